#include "ashlar/ownership/box.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>

#include "ledger.hpp"
#include "support/broken_contract.hpp"

using namespace ashlar;
using namespace owners;

namespace {

struct shape {
    virtual ~shape() { ++destroyed; }
    virtual int corners() const { return 0; }
    static inline int destroyed = 0;
};
struct coloured {
    virtual ~coloured() = default;
    int colour = 3;
};
struct alignas(64) square final : coloured, shape {  // shape does not begin where square does
    int corners() const override { return 4; }
    char name[200] = "square";
};
struct alignas(128) wide {
    char c = 'w';
};

}  // namespace

TEST_CASE("box: is one pointer where the allocator needs none, else two", "[ownership][box]") {
    STATIC_REQUIRE(sizeof(box<int, public_ledger>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(box<int, region>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(box<shape, public_ledger>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(box<int, ledger>) == 2 * sizeof(void*));
    STATIC_REQUIRE(sizeof(box<int[], public_ledger>) == 2 * sizeof(void*));
    STATIC_REQUIRE(sizeof(result<box<int, public_ledger>>) == sizeof(void*));
}

TEST_CASE("box: gives its block back by the layout that it asked for", "[ownership][box]") {
    ledger a;
    {
        const auto b = make_box<wide>(a).value();
        CHECK(reinterpret_cast<std::uintptr_t>(b.get()) % 128 == 0);
        CHECK(a.live_bytes() == sizeof(wide));
        const auto text = make_box<std::string>(a, 100u, 'x').value();
        CHECK(text->size() == 100);
    }
    CHECK(a.settled());
    CHECK(a.granted == 2);
}

TEST_CASE("box: moving empties the source, and an empty box may be moved, reset and assigned to", "[ownership][box]") {
    ledger a;
    auto first = make_box<int>(a, 1).value();
    auto second = std::move(first);
    CHECK(first == nullptr);
    CHECK(*second == 1);
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(*first); }).empty());
    first.reset();
    first = std::move(second);
    CHECK(*first == 1);
    first = make_box<int>(a, 2).value();
    CHECK(a.live() == 1);
    auto& same = first;
    first = std::move(same);
    CHECK(*first == 2);
    first = nullptr;
    CHECK(a.settled());
}

TEST_CASE("box: of a base destroys the derived object and gives back the derived object's layout", "[ownership][box]") {
    ledger a;
    shape::destroyed = 0;
    {
        box<shape, ledger> b = make_box<square>(a).value();
        CHECK(b->corners() == 4);
        box<const shape, ledger> c = std::move(b);
        CHECK(c->corners() == 4);
        b = make_box<shape>(a).value();
        CHECK(a.live() == 2);
    }
    CHECK(shape::destroyed == 2);
    CHECK(a.settled());
    {
        public_ledger all;
        const box<coloured, public_ledger> b = make_box<square>(all).value();
        CHECK(b->colour == 3);
    }
    CHECK(public_ledger::entries().settled());
}

TEST_CASE("box: over a region destroys its value and leaves the block to the region's end", "[ownership][box]") {
    region r;
    shape::destroyed = 0;
    { const box<shape, region> b = make_box<square>(r).value(); }
    CHECK(shape::destroyed == 1);
    CHECK(r.live() == 1);
    CHECK(r.live_bytes() == sizeof(square));  // nothing in front of it
}

TEST_CASE("box: a refused allocation makes nothing", "[ownership][box]") {
    ledger a;
    fragile::start();
    a.plan.arm(1, failure::from_then_on);
    CHECK_FALSE(make_box<fragile>(a, 1));
    CHECK_FALSE(make_box<fragile[]>(a, 4));
    CHECK(fragile::made == 0);
    CHECK(a.settled());
    CHECK_FALSE(make_box<long[]>(a, hidden(SIZE_MAX / 4)));  // no such layout: not even asked for
    CHECK(a.plan.requests() == 2);
}

TEST_CASE("box: a constructor that throws passes, and leaves nothing behind", "[ownership][box]") {
    ledger a;
    fragile::start(1);
    CHECK_THROWS(make_box<fragile>(a, 1).has_value());
    CHECK(a.settled());
    for (int at = 1; at <= 6; ++at) {
        fragile::start(at);
        CHECK_THROWS(make_box<fragile[]>(a, 6, 2).has_value());
        CHECK(fragile::alive == 0);
        CHECK(a.settled());
    }
    fragile::start();
    CHECK(make_box<fragile[]>(a, 6, 2).value()[5].value == 2);
    CHECK(a.settled());
}

TEST_CASE("box: an array knows its size, is walked, and is checked at its end", "[ownership][box]") {
    ledger a;
    auto numbers = make_box<int[]>(a, 4).value();
    CHECK(numbers.size() == 4);
    int sum = 0;
    for (int& n : numbers) sum += (n += 2);
    CHECK(sum == 8);
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(numbers[4]); }).empty());
    const auto moved = std::move(numbers);
    CHECK(numbers.size() == 0);
    CHECK(moved.size() == 4);
}

TEST_CASE("box: an array of nothing is a success that takes no block", "[ownership][box]") {
    ledger a;
    const auto none = make_box<int[]>(a, 0);
    CHECK(none.has_value());
    CHECK(none->size() == 0);
    CHECK(a.granted == 0);
}

TEST_CASE("box: into_raw lets go and from_raw takes up again", "[ownership][box]") {
    ledger a;
    auto b = make_box<square>(a).value();
    square* const raw = b.into_raw();
    CHECK_FALSE(b);
    CHECK(a.live() == 1);
    { const auto again = box<square, ledger>::from_raw(a, raw); }
    CHECK(a.settled());
    auto many = make_box<std::string[]>(a, 3, "text").value();
    const auto n = many.size();
    std::string* const first = many.into_raw();
    { const auto again = box<std::string[], ledger>::from_raw(a, first, n); }
    CHECK(a.settled());
}
