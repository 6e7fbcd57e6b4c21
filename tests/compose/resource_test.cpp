#include "ashlar/compose/resource.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "support/barest_allocators.hpp"
#include "support/enrol.hpp"

using namespace ashlar;
using ground_upstream = testing::ground::upstream_type;

namespace {
using tests::plain;  // stateless: refuses everything

void use_containers(std::pmr::memory_resource* r) {
    std::pmr::vector<std::pmr::string> words(r);
    std::pmr::map<int, std::pmr::string> table(r);
    for (int i = 0; i < 8; ++i) {
        words.emplace_back("a word that is too long to be kept in place");
        table.emplace(i, words.back());
    }
    CHECK(words.back().get_allocator().resource() == r);
    CHECK(table.at(7) == words[0]);
}
}  // namespace

TEST_CASE("resource: polymorphic containers live on any allocator and give everything back", "[compose][resource]") {
    testing::ground g;
    resource<ground_upstream> r(g.upstream());
    use_containers(&r);
    CHECK(g.managed().empty());
    CHECK_FALSE(g.damage().has_value());
}

TEST_CASE("resource: a refusal at any request is thrown, and nothing is lost", "[compose][resource]") {
    for (std::size_t n = 1;; ++n) {
        testing::ground g;
        resource<ground_upstream> r(g.upstream());
        g.refuse(n, failure::once);
        bool thrown = false;
        try {
            use_containers(&r);
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        REQUIRE(thrown == (g.refusals() != 0));
        REQUIRE(g.managed().empty());
        if (!thrown) {
            CHECK(n > 20);
            break;
        }
    }
}

TEST_CASE("resource: absurd sizes and alignments are refused before the allocator is asked", "[compose][resource]") {
    testing::ground g;
    resource<ground_upstream> r(g.upstream());
    CHECK_THROWS_AS(static_cast<void>(r.allocate(layout::max_size, 16)), std::bad_alloc);
    const volatile std::size_t all = SIZE_MAX;  // of a constant g++ without optimisation warns
    CHECK_THROWS_AS(static_cast<void>(r.allocate(all, 1)), std::bad_alloc);
    for (const std::size_t no_alignment : {0U, 3U, 24U}) {
        CHECK_THROWS_AS(static_cast<void>(r.allocate(8, no_alignment)), std::bad_alloc);
    }
    CHECK(g.grants() == 0);
    CHECK(g.plan().requests() == 0);
}

TEST_CASE("resource: zero bytes are asked for as one byte", "[compose][resource]") {
    testing::ground g;
    resource<ground_upstream> r(g.upstream());
    void* const p = r.allocate(0, 8);  // resource.I1
    REQUIRE(p != nullptr);
    CHECK(g.managed().bytes() == 1);
    r.deallocate(p, 0, 8);
    CHECK(g.managed().empty());
}

TEST_CASE("resource: is equal to itself only", "[compose][resource]") {
    testing::ground g;
    const resource<ground_upstream> one(g.upstream()), two(g.upstream());
    CHECK(one == one);
    CHECK_FALSE(one == two);  // resource.I2
}

TEST_CASE("resource: on an allocator without state it is no larger than its base", "[compose][resource]") {
    resource<plain> r;
    STATIC_REQUIRE(sizeof r == sizeof(std::pmr::memory_resource));
    CHECK_THROWS_AS(static_cast<void>(r.allocate(1)), std::bad_alloc);
}

TEST_CASE("resource: the standard's own resources are upstreams", "[compose][resource]") {
    std::pmr::monotonic_buffer_resource buffer(1024, std::pmr::null_memory_resource());
    pmr_upstream none(&buffer);
    CHECK_FALSE(none.allocate(*layout::make(8, 8)).has_value());
    pmr_upstream heap(std::pmr::new_delete_resource());
    const layout l = *layout::make(100, 64);
    const auto b = heap.allocate(l);
    REQUIRE(b);
    CHECK(is_aligned(b->data, 64));
    heap.deallocate(b->data, l);
}

// There and back: an allocator over a memory resource over the ground.
ASHLAR_ENROL("pmr_upstream", [](testing::ground& g) {
    return pmr_upstream(g.keep<resource<ground_upstream>>(g.upstream()));
});
