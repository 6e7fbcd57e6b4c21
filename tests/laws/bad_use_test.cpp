// Misuse that no single component answers for: every strategy refuses it or reports it, and is unharmed. What a component
// answers for by itself stands in its own test; C5, in tests of all, is `ashlar/testing/rejection.hpp`.
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "ashlar/compose/guarded.hpp"
#include "ashlar/compose/std_allocator.hpp"
#include "ashlar/compose/validated.hpp"
#include "ashlar/foundation/operations.hpp"
#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/bitmap.hpp"
#include "ashlar/strategy/buddy.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/first_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/inline_buffer.hpp"
#include "ashlar/strategy/next_fit.hpp"
#include "ashlar/strategy/page.hpp"
#include "ashlar/strategy/pool.hpp"
#include "ashlar/strategy/segregated.hpp"
#include "ashlar/strategy/slab.hpp"
#include "ashlar/strategy/stack.hpp"
#include "ashlar/strategy/static_bump.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "support/broken_contract.hpp"
#include "support/in_child.hpp"
#include "support/sanitizer.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {

layout of(std::size_t size, std::size_t align = 16) { return *layout::make(size, align); }

/// act(strategy, name), for each of the strategies, fresh.
template <class Act>
void each_strategy(Act act) {
    alignas(64) static std::byte room[3][1 << 16];
    bump b({room[0], sizeof room[0]});
    act(b, "bump");
    stack s({room[1], sizeof room[1]});
    act(s, "stack");
    inline_buffer<1 << 16> i;
    act(i, "inline_buffer");
    static static_bump<1 << 16> e;  // static: its destructor is trivial, so that its poison would stay on the stack
    e.reset();
    act(e, "static_bump");
    bitmap<> m({room[2], sizeof room[2]}, 64);
    act(m, "bitmap");
    arena<> a;
    act(a, "arena");
    pool<64, 16> p;
    act(p, "pool");
    slab<64, 16> l;
    act(l, "slab");
    free_list<first_fit> ff;
    act(ff, "first_fit");
    free_list<next_fit> n;
    act(n, "next_fit");
    free_list<best_fit> f;
    act(f, "best_fit");
    free_list<tlsf> t;
    act(t, "tlsf");
    buddy<> y;
    act(y, "buddy");
    segregated<> g;
    act(g, "segregated");
    page<> whole;
    act(whole, "page");
}

std::vector<std::byte*> free_ranges(const auto& a) {
    std::vector<std::byte*> all;
    if constexpr (requires { a.for_each_free([](block) {}); }) {
        a.for_each_free([&](block b) { all.insert(all.end(), {b.data, b.end()}); });
    }
    return all;
}

/// A live block that must stay as it is.
template <class A>
struct witness {
    explicit witness(A& in) : a(in), kept(*a.allocate(of(64))) { std::memset(kept.data, 0x5a, 64); }
    ~witness() { a.deallocate(kept.data, of(64)); }
    bool unharmed() const {
        for (std::size_t i = 0; i < 64; ++i) {
            if (kept.data[i] != std::byte{0x5a}) return false;
        }
        const auto again = a.allocate(of(48));
        if (again) a.deallocate(again->data, of(48));
        return again.has_value();
    }
    A& a;
    block kept;
};

std::byte* opaque(std::byte* p) {
    asm volatile("" : "+r"(p));
    return p;
}

}  // namespace

TEST_CASE("bad_use: sizes near PTRDIFF_MAX are refused by every strategy, and nothing has changed", "[laws][bad_use]") {
    each_strategy([](auto& a, const char* name) {
        CAPTURE(name);
        const witness w(a);
        const auto before = free_ranges(a);
        for (const layout huge : {of(layout::max_size, 1), of(layout::max_size - 15), of(layout::max_size - 4095, 4096),
                                  of(layout::max_size / 2 + 1, 1)}) {
            CHECK_FALSE(a.allocate(huge).has_value());
            CHECK_FALSE(allocate_zeroed(a, huge).has_value());
            CHECK_FALSE(reallocate(a, w.kept.data, of(64), huge, 64).has_value());
            if (huge.align() <= 16) CHECK_FALSE(grow_in_place(a, w.kept.data, of(64), *of(64).resized(huge.size() & ~15UL)).has_value());
        }
        CHECK(free_ranges(a) == before);
        CHECK(w.unharmed());
    });
}

TEST_CASE("bad_use: an alignment larger than a page is kept or refused by every strategy", "[laws][bad_use]") {
    each_strategy([](auto& a, const char* name) {
        CAPTURE(name);
        const witness w(a);
        for (const std::size_t align : {std::size_t{1} << 13, std::size_t{1} << 16, std::size_t{1} << 21, std::size_t{1} << 50}) {
            const auto b = a.allocate(of(40, align));
            if (!b) continue;
            CHECK(is_aligned(b->data, align));
            b->data[39] = std::byte{1};
            a.deallocate(b->data, of(40, align));
        }
        CHECK(w.unharmed());
    });
}

TEST_CASE("bad_use: what a reset or a frame has ended is poisoned, and its use reported by AddressSanitizer", "[laws][bad_use]") {
    if constexpr (support::sees_poison) {
        const auto check = [](auto& a, auto end) {
            const auto p = a.allocate(of(100))->data;
            CHECK_FALSE(support::is_poisoned(p));
            end();
            CHECK((support::is_poisoned(p) && support::is_poisoned(p + 99)));
            const auto child = support::in_child([&] { return *opaque(p) = std::byte{1}, 0; });
            CHECK((child.status != 0 || child.signal != 0));
            const auto again = a.allocate(of(100));
            CHECK((again && !support::is_poisoned(again->data)));
        };
        static std::byte room[4096];
        bump b({room, sizeof room});
        check(b, [&] { b.reset(); });
        arena<> a;
        REQUIRE(a.allocate(of(100)));
        check(a, [&] { a.reset(); });
        const auto m = a.mark();
        check(a, [&] { a.rewind(m); });
        static std::byte more[4096];
        stack s({more, sizeof more});
        check(s, [&] { s.reset(); });
        const auto f = s.mark();
        check(s, [&] { s.rewind(f); });
    } else {
        CHECK_FALSE(support::is_poisoned(&support::sees_poison));
    }
}

TEST_CASE("bad_use: without a sanitizer validated and guarded report the use of a block after the reset", "[laws][bad_use]") {
    static std::byte room[2][4096];
    const auto report = [](auto& below) {
        {
            validated v(below);
            const auto p = v.allocate(of(100))->data;
            v.reset();
            CHECK_FALSE(broken_contract([&] { v.deallocate(p, of(100)); }).empty());
            CHECK_FALSE(broken_contract([&] { static_cast<void>(v.shrink_in_place(p, of(100), of(50))); }).empty());
            const auto again = v.allocate(of(100));  // unharmed: the same block is granted anew
            CHECK((again && again->data == p));
            v.reset();
        }
        guarded<std::remove_reference_t<decltype(below)>> g(below);
        const auto b = g.allocate(of(100));
        REQUIRE(b);
        std::memset(b->data, 1, 100);
        g.reset();
        CHECK(broken_contract([&] { g.deallocate(b->data, of(100)); }).find("where no live block begins") != std::string::npos);
        if constexpr (!support::sees_poison) CHECK(*opaque(b->data) == std::byte{g.freed});  // whoever reads it sees so
        const auto again = g.allocate(of(100));
        REQUIRE(again);
        again->data[100] = std::byte{1};  // past its end
        CHECK(broken_contract([&] { g.reset(); }).find("written past the block of 100 bytes") == 0);
        again->data[100] = std::byte{0xfd};
        g.reset();
    };
    bump b({room[0], sizeof room[0]});
    report(b);
    stack s({room[1], sizeof room[1]});
    report(s);
    arena<> a;
    report(a);
}

TEST_CASE("bad_use: containers that ask for nothing get nothing they could lose", "[laws][bad_use]") {
    each_strategy([](auto& a, const char* name) {
        CAPTURE(name);
        const witness w(a);
        std_allocator<char, std::remove_reference_t<decltype(a)>> front(a);
        char* const p = front.allocate(0);
        REQUIRE(p != nullptr);
        front.deallocate(p, 0);
        CHECK_FALSE(broken_contract([&] { static_cast<void>(a.allocate(*layout::make(0, 1))); }).empty());  // it is the front end's to answer
        CHECK(w.unharmed());
    });
}
