#include "ashlar/strategy/thread_stack.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "ashlar/os/failing_pages.hpp"

using namespace ashlar;

namespace {
layout of(std::size_t size) { return *layout::make(size, 16); }

/// A page source without state, before one that counts and fails; each test makes that anew.
os::failing_pages<>* counted = nullptr;
struct counted_pages {
    static std::size_t page_size() noexcept { return counted->page_size(); }
    static result<block> reserve(std::size_t n, std::size_t align) noexcept { return counted->reserve(n, align); }
    static result<block> reserve_up_to(std::size_t most, std::size_t least, std::size_t align) noexcept {
        return counted->reserve_up_to(most, least, align);
    }
    static bool commit(std::byte* p, std::size_t n) noexcept { return counted->commit(p, n); }
    static bool decommit(std::byte* p, std::size_t n) noexcept { return counted->decommit(p, n); }
    static bool purge(std::byte* p, std::size_t n) noexcept { return counted->purge(p, n); }
    static bool release(std::byte* p, std::size_t n) noexcept { return counted->release(p, n); }
    static result<block> remap(std::byte* p, std::size_t from, std::size_t to, bool move) noexcept {
        return counted->remap(p, from, to, move);
    }
    static bool protect(std::byte* p, std::size_t n, os::access a) noexcept { return counted->protect(p, n, a); }
    static bool populate(std::byte* p, std::size_t n) noexcept { return counted->populate(p, n); }
    static bool advise(std::byte* p, std::size_t n, os::advice w) noexcept { return counted->advise(p, n, w); }
};
using counted_stack = thread_stack<counted_pages, 100'000>;
}  // namespace

TEST_CASE("thread_stack: each thread has a stack of its own, made when it is first asked for", "[strategy][thread_stack]") {
    stack& mine = thread_stack<>::of_this_thread();
    CHECK(&thread_stack<>::of_this_thread() == &mine);
    CHECK(mine.capacity() == std::size_t{1} << 20);
    const stack::frame here(mine);
    const auto b = mine.allocate(of(1000));
    REQUIRE(b);
    b->data[999] = std::byte{1};
    stack* others = nullptr;
    std::size_t used = 1;
    std::thread([&] {
        others = &thread_stack<>::of_this_thread();
        used = others->capacity() - others->room();
        const stack::frame theirs(*others);
        others->allocate(of(1000))->data[999] = std::byte{2};
    }).join();
    CHECK(others != &mine);
    CHECK(used == 0);
    CHECK(b->data[999] == std::byte{1});
}

TEST_CASE("thread_stack: its memory is taken at the first use and given back at the thread's end", "[strategy][thread_stack]") {
    os::failing_pages<> pages;
    counted = &pages;
    std::size_t before = 1, during = 0;
    std::thread([&] {
        before = pages.reserved_bytes();
        REQUIRE(counted_stack::of_this_thread().allocate(of(1)));
        during = pages.reserved_bytes();
    }).join();
    CHECK(before == 0);
    CHECK(during == align_up(std::size_t{100'000}, pages.page_size()));
    CHECK(pages.balanced());
}

TEST_CASE("thread_stack: refused memory is a refusal, asked for again at the next use", "[strategy][thread_stack]") {
    for (const auto call : {os::page_call::reserve, os::page_call::commit}) {
        os::failing_pages<> pages;
        counted = &pages;
        bool refused = false, granted = false;
        std::thread([&] {
            pages.fail(call, 1, os::lasting::once);
            stack& first = counted_stack::of_this_thread();
            refused = !first.allocate(of(1)) && pages.balanced();
            granted = counted_stack::of_this_thread().allocate(of(1)).has_value() && first.capacity() != 0;
        }).join();
        CHECK(refused);
        CHECK(granted);
        CHECK(pages.balanced());
    }
}
