#include "ashlar/malloc/misuse.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
/// The kind that was reported since the last call; fails unless there was exactly one report.
misuse last() {
    REQUIRE(misuses.size() == 1);
    const misuse what = misuses.front();
    misuses.clear();
    return what;
}
}  // namespace

TEST_CASE("misuse: foreign, stack and constant pointers are reported, and have no effect", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    static const char constant[16] = "constant";
    int on_stack = 0;
    const auto elsewhere = std::make_unique<int>(1);
    for (const void* p : {static_cast<const void*>(constant), static_cast<const void*>(&on_stack),
                          static_cast<const void*>(elsewhere.get()), reinterpret_cast<const void*>(8)}) {
        f.free(h, const_cast<void*>(p));
        const misuse what = last();
        CHECK(what.kind == misuse_kind::foreign);
        CHECK(what.pointer == p);
    }
}

TEST_CASE("misuse: a pointer into a block names the block", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    for (const std::size_t size : {48u, 5000u, 40'000u, 300'000u, 6'000'000u}) {
        auto* p = static_cast<std::byte*>(h.allocate(size));
        for (const std::size_t offset : {std::size_t{1}, std::size_t{16}, size / 2 + 1}) {
            f.free(h, p + offset);
            const misuse what = last();
            CHECK(what.kind == misuse_kind::interior);
            CHECK(what.block == p);
            CHECK(what.size >= size);
        }
        f.free(h, p);
        CHECK(misuses.empty());
    }
}

TEST_CASE("misuse: a place where no block was granted yet is told from a block", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    auto* p = static_cast<std::byte*>(h.allocate(32 * 1024));
    f.free(h, p + 3 * 32 * 1024);
    CHECK(last().kind == misuse_kind::unused);
    f.free(h, p);
}

TEST_CASE("misuse: a large block freed twice is reported, and so is the last of a span", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    for (const std::size_t size : {20'000u, 300'000u, 6'000'000u}) {
        void* p = h.allocate(size);
        f.free(h, p);
        CHECK(misuses.empty());
        f.free(h, p);
        const misuse what = last();
        CHECK((what.kind == misuse_kind::twice || what.kind == misuse_kind::foreign));
    }
}

TEST_CASE("misuse: a block that another thread frees is checked the same", "[malloc][misuse]") {
    fixture f;
    heap_type& mine = f.attach();
    heap_type& other = f.attach();
    auto* p = static_cast<std::byte*>(mine.allocate(100));
    f.free(other, p + 16);
    CHECK(last().kind == misuse_kind::interior);
    f.free(other, p);
    CHECK(misuses.empty());
}

TEST_CASE("misuse: realloc and usable size report under their own names", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    int on_stack = 0;
    CHECK(h.reallocate(&on_stack, 10) == nullptr);
    CHECK(std::string(last().call) == "realloc");
    CHECK(f.usable(&on_stack) == 0);
    CHECK(std::string(last().call) == "malloc_usable_size");
}
