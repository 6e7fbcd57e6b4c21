#include "ashlar/os/page_source.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

#include "ashlar/foundation/ref.hpp"
#include "ashlar/os/failing_pages.hpp"

namespace os = ashlar::os;

TEST_CASE("page_source: the system itself has no state, so a handle to it takes no space", "[os][page_source]") {
    STATIC_REQUIRE(os::page_source<os::system_pages>);
    STATIC_REQUIRE(std::is_empty_v<os::system_pages>);
    STATIC_REQUIRE(std::is_empty_v<ashlar::ref<os::system_pages>>);
}

TEST_CASE("page_source: what the tests give is one too, and not what lacks a call", "[os][page_source]") {
    STATIC_REQUIRE(os::page_source<os::failing_pages<>>);
    struct only_reserves {
        ashlar::result<ashlar::block> reserve(std::size_t, std::size_t) noexcept { return ashlar::alloc_error{}; }
    };
    STATIC_REQUIRE_FALSE(os::page_source<only_reserves>);
}

TEST_CASE("page_source: the system's calls are those of the platform", "[os][page_source]") {
    os::system_pages pages;
    const auto b = pages.reserve_up_to(8 * pages.page_size(), pages.page_size(), 1);
    REQUIRE(b);
    CHECK(pages.commit(b->data, b->size));
    CHECK(pages.populate(b->data, b->size));
    CHECK(pages.advise(b->data, b->size, os::advice::no_dump));
    CHECK(pages.purge(b->data, b->size));
    CHECK(pages.protect(b->data, b->size, os::access::read));
    CHECK(pages.decommit(b->data, b->size));
    CHECK(pages.release(b->data, b->size));
}
