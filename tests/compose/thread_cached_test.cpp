#include "ashlar/compose/thread_cached.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;

namespace {
/// The specimen, said to be safe for threads: here there is one only.
struct alone : tests::specimen {
    static constexpr bool is_thread_safe = true;
    using specimen::specimen;
};
/// The ground itself, said to be so too.
struct direct {
    static constexpr bool is_thread_safe = true;
    explicit direct(testing::ground& g) : up(g.upstream()) {}
    result<block> allocate(layout l) noexcept { return up.allocate(l); }
    void deallocate(std::byte* p, layout l) noexcept { up.deallocate(p, l); }
    testing::ground::upstream_type& up;
};
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("thread_cached: keeps blocks, gives them back when trimmed and at its end", "[compose][thread_cached]") {
    testing::ground g;
    alone heap(g.upstream());
    {
        thread_cached<alone> one(heap), other(heap);
        const auto a = one.allocate(bytes(40)), b = other.allocate(bytes(40));
        REQUIRE((a && b));
        one.deallocate(a->data, bytes(40));
        other.deallocate(b->data, bytes(48));
        CHECK(one.allocate(bytes(33))->data == a->data);  // each allocator has a cache of its own
        CHECK(other.allocate(bytes(33))->data == b->data);
        one.deallocate(a->data, bytes(48));
        one.trim();
        other.deallocate(b->data, bytes(33));
        CHECK_FALSE(g.managed().empty());
    }
    CHECK(g.managed().empty());
    CHECK_FALSE(g.damage().has_value());
}

TEST_CASE("thread_cached: what it remembers of a thread lies in the upstream, and goes back with a trim", "[compose][thread_cached]") {
    testing::ground g;
    direct heap(g);
    thread_cached<direct> a(heap);
    const auto b = a.allocate(bytes(64));
    REQUIRE(b);
    const auto before = g.managed();
    a.deallocate(b->data, bytes(64));
    CHECK(g.managed().bytes() > before.bytes());  // the record
    a.trim();
    CHECK(g.managed().empty());
}

TEST_CASE("thread_cached: keeps nothing where the upstream has no room for the record", "[compose][thread_cached]") {
    testing::ground g;
    direct heap(g);
    thread_cached<direct> a(heap);
    const auto b = a.allocate(bytes(64));
    REQUIRE(b);
    g.refuse(1, failure::once);
    a.deallocate(b->data, bytes(64));
    CHECK(g.managed().empty());
    CHECK(g.refusals() == 1);
}

TEST_CASE("thread_cached: of more allocators than a thread keeps blocks for, the first gets its blocks back", "[compose][thread_cached]") {
    testing::ground g(std::size_t{16} << 20);
    alone heap(g.upstream());
    {
        std::vector<std::unique_ptr<thread_cached<alone>>> all;
        for (int i = 0; i < 40; ++i) all.push_back(std::make_unique<thread_cached<alone>>(heap));
        for (auto& a : all) a->deallocate(a->allocate(bytes(64))->data, bytes(64));
        for (auto& a : all) a->deallocate(a->allocate(bytes(64))->data, bytes(64));
    }
    CHECK(g.managed().empty());
    CHECK_FALSE(g.damage().has_value());
}

TEST_CASE("thread_cached: one on another gives everything back at the end of each", "[compose][thread_cached]") {
    testing::ground g(std::size_t{16} << 20);
    alone heap(g.upstream());
    {
        thread_cached<alone> lower(heap);
        std::vector<std::unique_ptr<thread_cached<thread_cached<alone>>>> all;
        for (int i = 0; i < 20; ++i) all.push_back(std::make_unique<thread_cached<thread_cached<alone>>>(lower));
        for (auto& a : all) a->deallocate(a->allocate(bytes(64))->data, bytes(64));
    }
    CHECK(g.managed().empty());
    CHECK_FALSE(g.damage().has_value());
}

TEST_CASE("thread_cached: an allocator made where another one was knows nothing of its blocks", "[compose][thread_cached]") {
    testing::ground g;
    alone heap(g.upstream());
    alignas(thread_cached<alone>) std::byte place[sizeof(thread_cached<alone>)];
    for (int i = 0; i < 3; ++i) {
        auto* const a = ::new (place) thread_cached<alone>(heap);
        const auto b = a->allocate(bytes(64));
        REQUIRE(b);
        a->deallocate(b->data, bytes(64));
        a->~thread_cached();
        CHECK(g.managed().empty());
    }
}

ASHLAR_ENROL_ERASED("thread_cached", [](testing::ground& g) { return thread_cached<alone, 4, 512>(g.keep<alone>(g.upstream())); },
                    testing::excuse(testing::law::strong_failure, "what is kept goes back before it refuses"));
