#include "ashlar/compose/bucketize.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
/// An allocator of equal blocks: it takes no other size.
struct equal_blocks {
    specimen heap;
    std::size_t size;
    equal_blocks(testing::ground& g, std::size_t n) : heap(g.upstream()), size(n) {}
    result<block> allocate(layout l) noexcept { return l.size() == size ? heap.allocate(l) : alloc_error{}; }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() == size);
        heap.deallocate(p, l);
    }
    result<block> grow_in_place(std::byte*, layout, layout) noexcept { return alloc_error{}; }
    bool owns(const std::byte* p) const noexcept { return heap.owns(p); }
    bool available(layout l) const noexcept { return l.size() == size && heap.available(l); }
    void reset() noexcept { heap.reset(); }
};
using buckets = bucketize<1, 256, 32, equal_blocks>;
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("bucketize: every bucket is made once, for the largest size of its step", "[compose][bucketize]") {
    testing::ground g;
    std::vector<std::size_t> made;
    buckets b([&](std::size_t size) {
        made.push_back(size);
        return equal_blocks(g, size);
    });
    CHECK(made == std::vector<std::size_t>{32, 64, 96, 128, 160, 192, 224, 256});
    CHECK(buckets::size_of_bucket(1) == 32);
    CHECK(buckets::size_of_bucket(32) == 32);
    CHECK(buckets::size_of_bucket(33) == 64);
}

TEST_CASE("bucketize: serves every size of its steps from its bucket, and no other size", "[compose][bucketize]") {
    testing::ground g;
    buckets b([&](std::size_t size) { return equal_blocks(g, size); });
    for (std::size_t n = 1; n <= 256; ++n) {
        const auto p = b.allocate(bytes(n));
        REQUIRE(p);
        REQUIRE(p->size == (n + 31) / 32 * 32);
        REQUIRE(b.owns(p->data));
        b.deallocate(p->data, bytes(p->size));  // bucketize.I1
    }
    CHECK_FALSE(b.allocate(bytes(257)).has_value());
    CHECK_FALSE(b.available(*layout::make(layout::max_size, 1)));
    CHECK(g.managed().empty());
}

TEST_CASE("bucketize: a block grows within its step and not beyond", "[compose][bucketize]") {
    testing::ground g;
    buckets b([&](std::size_t size) { return equal_blocks(g, size); });
    const auto p = b.allocate(bytes(33));
    REQUIRE(p);
    CHECK(b.grow_in_place(p->data, bytes(33), bytes(64))->size == 64);
    CHECK_FALSE(b.grow_in_place(p->data, bytes(64), bytes(65)).has_value());
    CHECK_FALSE(b.grow_in_place(p->data, bytes(64), bytes(300)).has_value());
    b.reset();
    CHECK(g.managed().empty());
}

ASHLAR_ENROL_ERASED("bucketize", [](testing::ground& g) {
    return buckets([&](std::size_t size) { return equal_blocks(g, size); });
});
