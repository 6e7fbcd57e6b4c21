// The heap where memory is refused, at each request and each allocation in turn, and heaps of several threads at once.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>
#include <vector>

#include "ashlar/compose/failing.hpp"
#include "ashlar/compose/tracked.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/weak.hpp"
#include "ashlar/strategy/page.hpp"

using namespace ashlar;

namespace {

struct chained {
    gc::member<chained> next;
    gc::member<gc::array<gc::member<chained>>> many;
    std::size_t number = 0;
    static constexpr bool gc_relocatable = true;
    static constexpr auto gc_members = gc::members(&chained::next, &chained::many);
};
struct tally {
    std::size_t made = 0, ended = 0;
};
struct counted_one {
    tally* of;
    static constexpr bool gc_leaf = true;
    explicit counted_one(tally* t) : of(t) { ++of->made; }
    counted_one(const counted_one&) = delete;
    ~counted_one() { ++of->ended; }
};

/// Everything that takes memory, a piece at a time; what is refused is left out. The first fault breaks it off.
class program {
public:
    explicit program(gc::heap& h) : h_(h) {}

    static constexpr std::size_t pieces = 48;
    /// @returns whether it was refused
    bool piece(std::size_t k) {
        try {
            switch (k % 6) {
                case 0: return !add(h_.try_make<chained>(list_, nullptr, k));
                case 1: return add_many(h_.try_make_array<gc::member<chained>>(k % 12 == 1 ? 20 : 6000));
                case 2: return !h_.make<counted_one>(&tally_);
                case 3: if (list_) weak_.emplace_back(list_); return false;
                case 4: roots_.insert(roots_.end(), 60, list_); return false;
                default: return !h_.try_make_array<char>(k % 12 == 5 ? 150'000 : 30'000);
            }
        } catch (const std::bad_alloc&) {
            return true;
        }
    }
    /// @returns whether everything that was made is there, and the rest is destroyed
    bool whole() {
        std::size_t n = 0;
        for (const chained* l = list_.get(); l != nullptr; l = l->next.get()) ++n;
        if (n != length_ || !h_.verify()) return false;
        h_.collect();
        if (h_.compact() && !h_.verify()) return false;
        for (const auto& w : weak_) if (w.expired()) return false;
        return tally_.ended == tally_.made;
    }

private:
    bool add(const gc::root<chained>& l) {
        if (l) list_ = l, ++length_;
        return bool(l);
    }
    bool add_many(const gc::root<gc::array<gc::member<chained>>>& a) {
        if (a && list_) (*a)[0] = list_, list_->many = a;
        return !a;
    }

    gc::heap& h_;
    gc::root<chained> list_;
    std::vector<gc::weak<chained>> weak_;
    std::vector<gc::root<chained>> roots_;
    std::size_t length_ = 0;
    tally tally_;
};

using upstream_type = failing<tracked<page<>, live_bytes>>;

}  // namespace

TEST_CASE("collected_heap: where the hard limit is met at any one allocation, what was made stays whole", "[gc][collected_heap]") {
    for (const bool steps : {false, true}) {
        std::size_t refused = 0;
        for (std::size_t n = 0; n != program::pieces; ++n) {
            gc::heap h({.headroom = 200'000, .in_steps = steps});
            program p(h);
            for (std::size_t k = 0; k != program::pieces; ++k) {
                if (k == n) h.set_limits(h.stats().footprint, h.stats().footprint);  // nothing more from here, for three pieces
                if (k == n + 3) h.set_limits(~std::size_t{0}, ~std::size_t{0});
                refused += p.piece(k);
                if (k >= n && k < n + 3) REQUIRE(h.stats().footprint <= h.stats().peak_footprint);
            }
            INFO("piece " << n << (steps ? ", in steps" : ""));
            REQUIRE(p.whole());
        }
        CHECK(refused > program::pieces / 2);
    }
}

TEST_CASE("collected_heap: any request may be refused, once or from then on, and everything is given back", "[gc][collected_heap]") {
    for (const failure how : {failure::once, failure::from_then_on}) {
        bool reached = true;
        for (std::size_t n = 2; reached; ++n) {  // the first is the heap itself
            page<> pages;
            tracked<page<>, live_bytes> counted(pages);
            failure_plan plan;
            upstream_type upstream(counted, plan);
            plan.arm(n, how);
            {
                gc::heap h(any_ref(upstream), {.headroom = 300'000});
                program p(h);
                for (std::size_t k = 0; k != program::pieces; ++k) p.piece(k);
                INFO("request " << n);
                REQUIRE(p.whole());
            }
            reached = plan.refusals() != 0;
            REQUIRE(counted.counter<live_bytes>().value == 0);
        }
    }
}

TEST_CASE("collected_heap: threads with a heap each do not disturb one another, and a heap may go to another thread", "[gc][collected_heap]") {
    constexpr std::size_t number = 3;
    bool whole[number] = {};
    {
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t != number; ++t) {
            threads.emplace_back([t, &whole] {
                gc::heap h({.headroom = 100'000, .in_steps = t != 0});
                program p(h);
                for (std::size_t k = 0; k != program::pieces; ++k) {
                    p.piece(k);
                    if (t == 2) h.step(std::chrono::microseconds(50));
                }
                std::thread([&] { whole[t] = p.whole(); }).join();
            });
        }
        for (auto& t : threads) t.join();
    }
    for (const bool w : whole) CHECK(w);
}

TEST_CASE("collected_heap: lists and arrays of ten million are marked and slid, in a soak", "[gc][collected_heap][soak]") {
    const std::size_t number = std::getenv("ASHLAR_SOAK_SECONDS") == nullptr ? 10'000 : 10'000'000;
    gc::heap h({.headroom = std::size_t{1} << 30});
    gc::root<chained> list;
    auto all = h.make_array<gc::member<chained>>(number);
    for (std::size_t i = 0; i != number; ++i) {
        if (i % 2 == 0) h.make<chained>();  // a hole
        list = h.make<chained>(list, nullptr, i);
        (*all)[i] = list;
    }
    h.collect();
    REQUIRE(h.compact());
    bool same = true;
    const chained* l = list.get();
    for (std::size_t i = number; i-- != 0; l = l->next.get()) same &= l->number == i && (*all)[i] == l;
    CHECK(same);
    all = nullptr;
    list = nullptr;
    h.collect();
    CHECK(h.stats().live == 0);
}
