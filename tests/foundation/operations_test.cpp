#include "ashlar/foundation/operations.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>

#include "support/broken_contract.hpp"

using namespace ashlar;

namespace {

/// The least an allocator can be; counts what is live and can be told to refuse.
struct plain {
    int live = 0;
    bool refuses = false;
    result<block> allocate(layout l) noexcept {
        if (refuses) return alloc_error{};
        ++live;
        auto* p = static_cast<std::byte*>(std::malloc(l.size()));
        std::memset(p, 0xee, l.size());
        return block{p, l.size()};
    }
    void deallocate(std::byte* p, layout) noexcept {
        --live;
        std::free(p);
    }
};

/// Can grow up to 100 bytes where it stands, and shrink.
struct elastic : plain {
    result<block> allocate(layout l) noexcept { return plain::allocate(*l.resized(std::max<std::size_t>(l.size(), 100))); }
    result<block> grow_in_place(std::byte* p, layout, layout now) noexcept {
        if (now.size() > 100) return alloc_error{};
        return block{p, now.size()};
    }
    result<block> shrink_in_place(std::byte* p, layout, layout now) noexcept { return block{p, now.size()}; }
};

struct zeroed_by_nature : plain {
    int zeroed = 0;
    result<block> allocate_zeroed(layout l) noexcept {
        ++zeroed;
        const auto b = plain::allocate(l);
        std::memset(b->data, 0, l.size());
        return b;
    }
};

layout bytes(std::size_t n) { return *layout::make(n, 1); }

}  // namespace

TEST_CASE("operations: an allocator that cannot resize in place refuses, as a value", "[foundation][operations]") {
    plain a;
    const auto b = *a.allocate(bytes(10));
    CHECK_FALSE(grow_in_place(a, b.data, bytes(10), bytes(20)));
    CHECK_FALSE(shrink_in_place(a, b.data, bytes(10), bytes(5)));
    a.deallocate(b.data, bytes(10));
}

TEST_CASE("operations: reallocate moves the live bytes where it cannot stay", "[foundation][operations]") {
    plain a;
    const auto b = *a.allocate(bytes(10));
    std::memcpy(b.data, "0123456789", 10);
    const auto c = reallocate(a, b.data, bytes(10), bytes(20), 10);
    REQUIRE(c);
    CHECK(std::memcmp(c->data, "0123456789", 10) == 0);
    CHECK(a.live == 1);
    const auto d = reallocate(a, c->data, bytes(20), bytes(4), 4);
    REQUIRE(d);
    CHECK(std::memcmp(d->data, "0123", 4) == 0);
    CHECK(a.live == 1);
    a.deallocate(d->data, bytes(4));
}

TEST_CASE("operations: reallocate stays where the allocator can grow or shrink in place",
          "[foundation][operations]") {
    elastic a;
    const auto b = *a.allocate(bytes(10));
    CHECK(reallocate(a, b.data, bytes(10), bytes(100), 10)->data == b.data);
    CHECK(reallocate(a, b.data, bytes(100), bytes(7), 7)->data == b.data);
    CHECK(a.live == 1);
    const auto moved = reallocate(a, b.data, bytes(7), bytes(1000), 7);
    REQUIRE(moved);
    CHECK(a.live == 1);
    a.deallocate(moved->data, bytes(1000));
}

TEST_CASE("operations: another alignment is never served in place", "[foundation][operations]") {
    elastic a;
    const auto b = *a.allocate(bytes(10));
    const auto c = reallocate(a, b.data, bytes(10), *layout::make(10, 4), 10);
    REQUIRE(c);
    CHECK(c->data != b.data);
    a.deallocate(c->data, *layout::make(10, 4));
}

TEST_CASE("operations: a refused reallocate leaves the block and its bytes", "[foundation][operations]") {
    plain a;
    const auto b = *a.allocate(bytes(10));
    std::memcpy(b.data, "0123456789", 10);
    a.refuses = true;
    CHECK_FALSE(reallocate(a, b.data, bytes(10), bytes(20), 10));
    CHECK(a.live == 1);
    CHECK(std::memcmp(b.data, "0123456789", 10) == 0);
    a.deallocate(b.data, bytes(10));
}

TEST_CASE("operations: more live bytes than either block holds break the contract", "[foundation][operations]") {
    plain a;
    const auto b = *a.allocate(bytes(10));
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(reallocate(a, b.data, bytes(10), bytes(5), 6)); }).empty());
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(reallocate(a, b.data, bytes(10), bytes(20), 11)); }).empty());
    a.deallocate(b.data, bytes(10));
}

TEST_CASE("operations: zeroed bytes come from the allocator's own means, else by filling",
          "[foundation][operations]") {
    plain a;
    const auto b = *allocate_zeroed(a, bytes(64));
    CHECK(std::all_of(b.data, b.end(), [](std::byte x) { return x == std::byte{0}; }));
    a.deallocate(b.data, bytes(64));
    a.refuses = true;
    CHECK_FALSE(allocate_zeroed(a, bytes(64)));
    zeroed_by_nature z;
    const auto c = *allocate_zeroed(z, bytes(64));
    CHECK(z.zeroed == 1);
    z.deallocate(c.data, bytes(64));
}

TEST_CASE("operations: a trim reaches an allocator that keeps something, and asks nothing of any other",
          "[foundation][operations]") {
    struct keeper : plain {
        int trims = 0;
        void trim() noexcept { ++trims; }
    };
    plain none;
    trim(none);
    keeper one;
    trim(one);
    CHECK(one.trims == 1);
}
