// Every call to the system is refused once, and from then on, at every place of a whole run: a refusal is a null, the
// blocks that live keep their contents, and afterwards everything that was reserved goes back.
#include "support.hpp"

using namespace test_malloc;

namespace {

struct held {
    unsigned char* p;
    std::size_t size;
    unsigned char mark;
};

/// A run that reaches every kind of call. @returns how many requests were refused
std::size_t run(fixture& f) {
    std::size_t refused = 0;
    heap_type* h = f.registry.attach(*f.store);
    if (h == nullptr) return 1;
    std::vector<held> live;
    numbers next(7);
    for (int i = 0; i < 160; ++i) {
        static constexpr std::size_t sizes[] = {24, 700, 5000, 30'000, 200'000, 3'000'000, 6'000'000, 33'000'000};
        const std::size_t size = sizes[next.below(8)];
        const auto mark = static_cast<unsigned char>(i + 1);
        void* p = i % 7 == 3 ? h->allocate_aligned(size, 1 << 17) : h->allocate(size);
        if (p == nullptr) {
            ++refused;
        } else {
            std::memset(p, mark, size < 5000 ? size : 5000);
            live.push_back({static_cast<unsigned char*>(p), size, mark});
        }
        if (i % 5 == 4 && !live.empty()) {
            held& b = live[next.below(live.size())];
            const std::size_t now = b.size * (1 + next.below(3)) / 2 + 1;
            void* q = h->reallocate(b.p, now);
            const std::size_t kept = std::min({b.size, now, std::size_t{5000}});
            if (q == nullptr) ++refused;
            const unsigned char* check = q == nullptr ? b.p : static_cast<unsigned char*>(q);
            if (!all_bytes(check, q == nullptr ? std::min(b.size, std::size_t{5000}) : kept, b.mark)) FAIL("contents");
            if (q != nullptr) {
                b = {static_cast<unsigned char*>(q), now, b.mark};
                std::memset(b.p, b.mark, now < 5000 ? now : 5000);
            }
        }
        if (live.size() > 6) {
            const std::size_t k = next.below(live.size());
            if (!all_bytes(live[k].p, std::min(live[k].size, std::size_t{5000}), live[k].mark)) FAIL("contents");
            f.free(*h, live[k].p);
            live[k] = live.back();
            live.pop_back();
        }
        if (i % 40 == 39) static_cast<void>(f.store->trim());
    }
    for (const held& b : live) f.free(*h, b.p);
    h->settle();
    if (f.spans() != 0) FAIL("a span was lost");
    if (!misuses.empty()) FAIL("a block was not known");
    return refused;
}

}  // namespace

TEST_CASE("refusal: with the n-th system call refused, once or from then on, nothing is lost", "[malloc][refusal]") {
    options o = still();
    o.purge_delay_ms = 0;
    std::size_t calls = 0;
    {
        fixture f(o);
        CHECK(run(f) == 0);
        calls = f.pages.calls();
    }
    REQUIRE(calls > 50);
    for (const lasting how : {lasting::once, lasting::onwards}) {
        for (std::size_t n = 1; n <= calls; ++n) {
            fixture f(o);
            f.pages.fail(n, how);
            static_cast<void>(run(f));
        }
    }
}

TEST_CASE("refusal: under a limit of address space requests are refused, and served again after frees",
          "[malloc][refusal]") {
    for (const std::size_t limit : {std::size_t{4} << 20, std::size_t{64} << 20, std::size_t{200} << 20}) {
        fixture f;
        f.pages.limit(limit);
        heap_type* h = f.registry.attach(*f.store);
        if (h == nullptr) continue;
        for (const std::size_t size : {100u, 20'000u, 500'000u}) {
            std::vector<void*> blocks;
            while (void* p = h->allocate(size)) blocks.push_back(p);
            CHECK(!blocks.empty());
            for (void* p : blocks) f.free(*h, p);
            h->settle();
            static_cast<void>(f.store->trim());
            CHECK(f.spans() == 0);
            void* again = h->allocate(size);
            CHECK(again != nullptr);
            f.free(*h, again);
            h->settle();
        }
    }
}

TEST_CASE("refusal: under a limit each size can have what all others gave back", "[malloc][refusal]") {
    fixture f;
    f.pages.limit(std::size_t{64} << 20);
    heap_type& h = f.attach();
    for (const std::size_t size : {5'000'000u, 3000u, 20'000'000u, 60'000u, 5'000'000u, 400'000u, 20'000'000u}) {
        std::vector<void*> blocks;
        while (void* p = h.allocate(size)) blocks.push_back(p);
        CHECK(blocks.size() * size > std::size_t{38} << 20);
        for (void* p : blocks) f.free(h, p);
    }
    h.settle();
}
