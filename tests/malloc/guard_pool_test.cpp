#include <catch2/catch.hpp>

#include <set>

#include "ashlar/malloc/guard_pool.hpp"
#include "ashlar/os/failing_pages.hpp"

using namespace ashlar::malloc;
using pages_type = ashlar::os::failing_pages<>;
using pool_type = guard_pool<pages_type>;

namespace {
struct fixture {
    explicit fixture(std::size_t count = 8) { REQUIRE(pool.prepare(pages, count, 7)); }
    ~fixture() {
        pages.heal();
        pool.destroy(pages);
        CHECK(pages.balanced());
    }
    guard_slot* take(std::size_t size, std::size_t align = 16, std::size_t allowed = 8) {
        return pool.take(pages, size, align, allowed);
    }
    pages_type pages;
    pool_type pool;
};
}  // namespace

TEST_CASE("guard_pool: a block is zero, aligned, and at one end of pages between two that are inaccessible",
          "[malloc][guard_pool]") {
    fixture f(64);
    const std::size_t page = f.pages.page_size();
    bool front = false, end = false;
    for (const std::size_t size : {1u, 7u, 16u, 100u, 4096u, 5000u, 50'000u}) {
        for (const std::size_t align : {16u, 64u, 4096u}) {
            for (int i = 0; i < 3; ++i) {
                guard_slot* const s = f.take(size, align, 64);
                REQUIRE(s != nullptr);
                CHECK(s->size == size);
                CHECK(reinterpret_cast<std::uintptr_t>(s->start) % align == 0);
                for (std::size_t k = 0; k < size; ++k) {
                    if (s->start[k] != std::byte{0}) FAIL("not zero at " << k);
                }
                CHECK(f.pages.is_committed(s->pages, s->page_bytes));
                CHECK_FALSE(f.pages.is_committed(s->pages - page, page));
                CHECK_FALSE(f.pages.is_committed(s->pages + s->page_bytes, page));
                front |= s->start == s->pages && size % page != 0;
                end |= s->start + size > s->pages + s->page_bytes - align && size % page != 0;
                CHECK(pool_type::intact(*s));
            }
        }
    }
    CHECK(front);
    CHECK(end);
    f.pages.heal();
}

TEST_CASE("guard_pool: a freed block is inaccessible, and its slot is the last to be used again", "[malloc][guard_pool]") {
    fixture f;
    guard_slot* first = f.take(24);
    CHECK(f.pool.slot_of(first->start) == first);
    f.pool.give(f.pages, *first);
    CHECK_FALSE(f.pages.is_committed(first->pages, first->page_bytes));  // guard_pool.I1
    CHECK(f.pool.slot_of(first->start)->state == guard_state::freed);
    std::set<guard_slot*> others;
    for (int i = 0; i < 7; ++i) others.insert(f.take(24));
    CHECK(others.size() == 7);
    CHECK(others.count(first) == 0);  // guard_pool.I2
    f.pool.give(f.pages, **others.begin());
    CHECK(f.take(24) == first);
    CHECK(f.take(24) == *others.begin());
    CHECK(f.take(24) == nullptr);
}

TEST_CASE("guard_pool: no more slots are used than are allowed", "[malloc][guard_pool]") {
    fixture f;
    CHECK(f.take(24, 16, 0) == nullptr);
    CHECK(f.take(24, 16, 1) != nullptr);
    CHECK(f.take(24, 16, 1) == nullptr);
    CHECK(f.take(24, 16, 2) != nullptr);
}

TEST_CASE("guard_pool: a write beside a block is seen in the margins", "[malloc][guard_pool]") {
    fixture f;
    for (int i = 0; i < 8; ++i) {
        guard_slot* const s = f.take(100);
        const bool at_front = s->start == s->pages;
        std::byte& beside = at_front ? s->start[100] : s->start[-1];
        const std::byte was = beside;
        beside = std::byte{0};
        CHECK_FALSE(pool_type::intact(*s));
        beside = was;
        CHECK(pool_type::intact(*s));
        if (!at_front) s->start[100] ^= std::byte{1};  // the padding up to the alignment
        CHECK(pool_type::intact(*s) == at_front);
    }
}

TEST_CASE("guard_pool: what the system refuses is refused, and served when it no longer does", "[malloc][guard_pool]") {
    fixture f(2);
    f.pages.fail(ashlar::os::page_call::commit, 1);
    CHECK(f.take(24) == nullptr);
    guard_slot* const s = f.take(24);
    REQUIRE(s != nullptr);
    s->start[3] = std::byte{9};
    f.pages.fail(ashlar::os::page_call::decommit, 1, ashlar::os::lasting::onwards);
    f.pool.give(f.pages, *s);
    guard_slot* const other = f.take(24);
    REQUIRE(other != nullptr);
    CHECK(f.take(24) == nullptr);  // its pages are still there, and not zero
    f.pages.heal();
    CHECK(f.take(24) == s);
    CHECK(s->start[3] == std::byte{0});
    pool_type none;
    f.pages.fail(ashlar::os::page_call::reserve, 1);
    CHECK_FALSE(none.prepare(f.pages, 4, 1));
    f.pages.fail(ashlar::os::page_call::commit, 1);
    CHECK_FALSE(none.prepare(f.pages, 4, 1));
    CHECK_FALSE(none.prepared());
    CHECK(none.slot_of(s->start) == nullptr);
}
