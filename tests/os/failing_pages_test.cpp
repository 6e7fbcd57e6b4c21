#include "ashlar/os/failing_pages.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "support/broken_contract.hpp"

namespace os = ashlar::os;
using os::failing_pages;
using os::lasting;
using os::page_call;
using support::broken_contract;

namespace {

/// One call of every kind. @returns how many were refused; leaves nothing reserved
template <class Pages>
int one_of_each(Pages& pages, ashlar::block b) {
    const std::size_t n = b.size;
    int refused = 0;
    const auto again = pages.reserve(n, 1);
    refused += !again;
    refused += !pages.commit(b.data, n);
    if (!pages.is_committed(b.data, n)) static_cast<void>(pages.commit(b.data, n));
    refused += !pages.purge(b.data, n);
    refused += !pages.remap(b.data, n, n, false);
    refused += !pages.protect(b.data, n, os::access::read_write);
    refused += !pages.populate(b.data, n);
    refused += !pages.advise(b.data, n, os::advice::no_dump);
    refused += !pages.decommit(b.data, n);
    if (again && !pages.release(again->data, n)) {
        ++refused;
        static_cast<void>(pages.release(again->data, n));
    }
    return refused;
}

}  // namespace

TEST_CASE("failing_pages: without a plan it is the source below", "[os][failing_pages]") {
    failing_pages pages;
    const auto b = *pages.reserve(4 * pages.page_size(), 1);
    CHECK(one_of_each(pages, b) == 0);
    CHECK(pages.refusals() == 0);
    CHECK(pages.release(b.data, b.size));
    CHECK(pages.balanced());
    CHECK(pages.calls(page_call::reserve) == 2);
    CHECK(pages.calls() == 11);
}

TEST_CASE("failing_pages: the n-th call of any kind is refused, once", "[os][failing_pages]") {
    for (std::size_t n = 1; n <= 9; ++n) {
        failing_pages pages;
        const auto b = *pages.reserve(4 * pages.page_size(), 1);
        pages.fail(n);
        CHECK(one_of_each(pages, b) == 1);
        CHECK(pages.refusals() == 1);
        CHECK(pages.release(b.data, b.size));
        CHECK(pages.balanced());
    }
}

TEST_CASE("failing_pages: from the n-th call on everything is refused until it heals", "[os][failing_pages]") {
    failing_pages pages;
    pages.fail(3, lasting::onwards);
    const auto b = *pages.reserve(pages.page_size(), 1);
    CHECK(pages.commit(b.data, b.size));
    for (int i = 0; i < 5; ++i) CHECK_FALSE(pages.reserve(pages.page_size(), 1));
    CHECK_FALSE(pages.release(b.data, b.size));
    CHECK(pages.refusals() == 6);
    pages.heal();
    CHECK(pages.release(b.data, b.size));
}

TEST_CASE("failing_pages: the n-th call of one kind is refused, other kinds are not counted",
          "[os][failing_pages]") {
    failing_pages pages;
    const auto b = *pages.reserve(pages.page_size(), 1);
    pages.fail(page_call::commit, 2);
    CHECK(pages.commit(b.data, b.size));
    CHECK(pages.purge(b.data, b.size));
    CHECK_FALSE(pages.commit(b.data, b.size));
    CHECK(pages.commit(b.data, b.size));
    CHECK(pages.release(b.data, b.size));
}

TEST_CASE("failing_pages: a refused call does not reach the source below", "[os][failing_pages]") {
    failing_pages pages;
    const auto b = *pages.reserve(pages.page_size(), 1);
    REQUIRE(pages.commit(b.data, b.size));
    b.data[0] = std::byte{7};
    pages.fail(1, lasting::onwards);
    CHECK_FALSE(pages.purge(b.data, b.size));
    CHECK_FALSE(pages.decommit(b.data, b.size));
    CHECK_FALSE(pages.release(b.data, b.size));
    CHECK(b.data[0] == std::byte{7});
    pages.heal();
    CHECK(pages.release(b.data, b.size));
}

TEST_CASE("failing_pages: the books show what is reserved and what is committed", "[os][failing_pages]") {
    failing_pages pages;
    const std::size_t page = pages.page_size();
    const auto a = *pages.reserve(8 * page, 1);
    const auto b = *pages.reserve(2 * page, 1);
    CHECK(pages.reserved_bytes() == 10 * page);
    REQUIRE(pages.commit(a.data + page, 3 * page));
    CHECK(pages.committed_bytes() == 3 * page);
    CHECK(pages.is_committed(a.data + page, 3 * page));
    CHECK_FALSE(pages.is_committed(a.data, page));
    REQUIRE(pages.decommit(a.data + 2 * page, page));
    CHECK(pages.committed_bytes() == 2 * page);
    REQUIRE(pages.release(a.data, 8 * page));
    CHECK(pages.committed_bytes() == 0);
    CHECK_FALSE(pages.balanced());  // b leaks
    CHECK(pages.release(b.data, b.size));
    CHECK(pages.balanced());
}

TEST_CASE("failing_pages: the books follow a range that remap has moved", "[os][failing_pages]") {
    failing_pages pages;
    const std::size_t page = pages.page_size();
    const auto a = *pages.reserve(page, 1);
    REQUIRE(pages.commit(a.data, page));
    const auto moved = pages.remap(a.data, page, 512 * page, true);
    REQUIRE(moved);
    CHECK(pages.committed_bytes() == 512 * page);
    CHECK(pages.reserved_bytes() == 512 * page);
    CHECK(pages.release(moved->data, moved->size));
    CHECK(pages.balanced());
}

TEST_CASE("failing_pages: it pretends to larger pages", "[os][failing_pages]") {
    for (const std::size_t page : {std::size_t{16384}, std::size_t{65536}}) {
        failing_pages pages(page);
        CHECK(pages.page_size() == page);
        const auto b = *pages.reserve(2 * page, 1);
        CHECK(ashlar::is_aligned(b.data, page));
        CHECK(pages.commit(b.data, page));
        CHECK_FALSE(broken_contract([&] { pages.commit(b.data, 4096); }).empty());
        CHECK(pages.release(b.data, b.size));
    }
}

TEST_CASE("failing_pages: past its limit it refuses, and reserve_up_to gets what fits", "[os][failing_pages]") {
    failing_pages pages;
    const std::size_t page = pages.page_size();
    pages.limit(100 * page);
    CHECK_FALSE(pages.reserve(101 * page, 1));
    const auto b = pages.reserve_up_to(1024 * page, page, 1);
    REQUIRE(b);
    CHECK(b->size == 64 * page);
    CHECK_FALSE(pages.reserve_up_to(1024 * page, 37 * page, 1));
    CHECK(pages.release(b->data, b->size));
}

TEST_CASE("failing_pages: a call on pages that are not reserved breaks the contract", "[os][failing_pages]") {
    failing_pages pages;
    const std::size_t page = pages.page_size();
    const auto b = *pages.reserve(page, 1);
    CHECK_FALSE(broken_contract([&] { pages.commit(b.data, 2 * page); }).empty());
    CHECK_FALSE(broken_contract([&] { pages.purge(b.data, page); }).empty());  // reserved, not committed
    REQUIRE(pages.release(b.data, page));
    CHECK_FALSE(broken_contract([&] { pages.release(b.data, page); }).empty());  // twice
}

TEST_CASE("failing_pages: threads may share it", "[os][failing_pages]") {
    failing_pages pages;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                const auto b = *pages.reserve(pages.page_size(), 1);
                static_cast<void>(pages.commit(b.data, b.size));
                b.data[0] = std::byte{1};
                static_cast<void>(pages.release(b.data, b.size));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(pages.calls() == 4 * 50 * 3);
    CHECK(pages.balanced());
}
