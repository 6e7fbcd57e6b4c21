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

TEST_CASE("misuse: a second free is found wherever the block waits, as long as it was not handed out again",
          "[malloc][misuse]") {
    for (const std::size_t size : {8u, 24u, 200u, 4096u, 40'000u}) {
        fixture f;
        heap_type& mine = f.attach();
        heap_type& other = f.attach();
        void* keeps_the_span = mine.allocate(size);  // of a span that has gone back, it says: not a block of this malloc
        const auto twice = [&](heap_type& first, heap_type& second, bool settled) {
            void* blocks[5];
            for (void*& p : blocks) p = mine.allocate(size);
            for (void* p : blocks) f.free(first, p);
            if (settled) {  // the other's outbox is sent, and the mail is read
                other.settle();
                f.free(mine, mine.allocate(16));
                mine.read_mail();
            }
            for (void* p : {blocks[1], blocks[4], blocks[0]}) {
                f.free(second, p);
                if (misuses.size() != 1) FAIL("size " << size << ": " << misuses.size() << " reports");
                const misuse what = last();
                CHECK(what.kind == misuse_kind::twice);
                CHECK(what.block == p);
            }
        };
        twice(mine, mine, false);    // the span's list
        twice(mine, other, false);
        twice(other, mine, false);   // the outbox
        twice(other, other, false);
        twice(other, mine, true);    // home again
        f.free(mine, keeps_the_span);
        CHECK(misuses.empty());
        other.settle();
        mine.settle();
        CHECK(f.spans() == 0);  // what was reported had no effect on any count
    }
}

TEST_CASE("misuse: a block that was never handed out cannot be freed", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    auto* p = static_cast<std::byte*>(h.allocate(200));
    const std::size_t usable = f.usable(p);
    f.free(h, p + usable);  // the next in line
    CHECK(last().kind == misuse_kind::twice);
    CHECK(h.allocate(200) == p + usable);
}

TEST_CASE("misuse: a freed block is neither resized nor measured", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    for (const std::size_t size : {24u, 40'000u}) {
        void* p = h.allocate(size);
        void* keeps_the_span = h.allocate(size);
        f.free(h, p);
        CHECK(h.reallocate(p, 2 * size) == nullptr);
        CHECK(last().kind == misuse_kind::twice);
        CHECK(f.usable(p) == 0);
        CHECK(last().kind == misuse_kind::twice);
        f.free(h, keeps_the_span);
    }
}

TEST_CASE("misuse: a size that is not the block's is reported, and the block stays", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    const auto free_sized = [&](void* p, block_claim claim) {
        if (!heap_type::push_local(*f.store->find(p), f.store->key(), h.id(), p, claim.size)) {
            heap_type::release_sized(*f.store, f.registry, &h, p, claim, "operator delete");
        }
    };
    for (const std::size_t size : {1u, 16u, 17u, 200u, 1000u, 1025u, 5000u, 40'000u, 65'536u, 300'000u, 6'000'000u}) {
        void* p = h.allocate(size);
        for (const std::size_t wrong : {2 * size + 16, size / 2 > 16 ? size / 2 : 100u, ~std::size_t{0}, size + (std::size_t{1} << 32)}) {
            free_sized(p, {wrong, 1});
            const misuse what = last();
            CHECK(what.kind == misuse_kind::wrong_size);
            CHECK(what.said == wrong);
            CHECK(what.size >= size);
        }
        free_sized(p, {size, 1});
        if (!misuses.empty()) FAIL("the right size, " << size << ", was reported");
    }
    free_sized(h.allocate(0), {0, 1});  // operator new(0) gives a block of its own
    for (const std::size_t align : {32u, 64u, 4096u, 131'072u}) {
        for (const std::size_t size : {1u, 40u, 100u, 5000u, 70'000u}) {
            void* p = h.allocate_aligned(size, align);
            free_sized(p, {size, align});
            if (!misuses.empty()) FAIL(size << " aligned to " << align << " was reported");
        }
    }
    void* p = h.allocate(1000);
    p = h.reallocate(p, 600);  // kept where it is
    free_sized(p, {600, 0});
    CHECK(misuses.empty());
}

TEST_CASE("misuse: a link that was written over is reported when the list is used", "[malloc][misuse]") {
    fixture f;
    heap_type& h = f.attach();
    std::byte* blocks[8];
    for (std::byte*& p : blocks) p = static_cast<std::byte*>(h.allocate(3000));
    for (std::byte* p : blocks) f.free(h, p);
    std::memset(blocks[7], 0x41, 8);
    std::size_t granted = 0;
    for (int i = 0; i < 40; ++i) granted += std::size_t{h.allocate(3000) != nullptr};
    const misuse what = last();
    CHECK(what.kind == misuse_kind::corrupted);
    CHECK(what.block == blocks[7]);
    CHECK(granted == 40);  // the rest of that list is lost, nothing else
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
