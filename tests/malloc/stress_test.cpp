// Threads that allocate, hand blocks to each other, free what others allocated, end and begin again: every byte of
// every block is checked when it is freed. Run under the thread sanitizer, it shows the protocols' ordering.
#include <atomic>
#include <thread>

#include "support.hpp"

using namespace test_malloc;

namespace {

struct parcel {
    unsigned char* p;
    std::size_t size;
    unsigned char mark;
};

struct exchange {
    std::mutex lock;
    std::vector<parcel> parcels;
};

std::atomic<int> damaged{0};

void destroy(fixture& f, heap_type& h, const parcel& b) {
    if (!all_bytes(b.p, b.size, b.mark)) damaged.fetch_add(1);
    f.free(h, b.p);
}

void work(fixture& f, exchange& shared, std::uint64_t seed, int steps) {
    heap_type& h = *f.registry.attach(*f.store);
    numbers next(seed);
    std::vector<parcel> mine;
    for (int i = 0; i < steps; ++i) {
        if (mine.size() < 20 || next.below(2) == 0) {
            const std::size_t kind = next.below(100);
            const std::size_t size = 1 + next.below(kind < 80 ? 300 : kind < 97 ? 5000 : kind < 99 ? 60'000 : 400'000);
            auto* p = static_cast<unsigned char*>(f.allocate(h, size));
            const auto mark = static_cast<unsigned char>(next());
            std::memset(p, mark, size);
            mine.push_back({p, size, mark});
        } else {
            const std::size_t k = next.below(mine.size());
            const parcel b = mine[k];
            mine[k] = mine.back();
            mine.pop_back();
            if (next.below(3) != 0) {
                destroy(f, h, b);
                continue;
            }
            parcel other{};
            {
                const std::lock_guard hold(shared.lock);
                shared.parcels.push_back(b);
                if (shared.parcels.size() > 64) {
                    std::swap(shared.parcels[next.below(64)], shared.parcels.back());
                    other = shared.parcels.back();
                    shared.parcels.pop_back();
                }
            }
            if (other.p != nullptr) destroy(f, h, other);
        }
    }
    {
        const std::lock_guard hold(shared.lock);
        for (const parcel& b : mine) shared.parcels.push_back(b);
    }
    f.registry.detach(h);
}

}  // namespace

TEST_CASE("stress: threads that are refused at the same moment keep their bytes and are served again", "[malloc][stress]") {
    options o;
    o.purge_delay_ms = 1;
    fixture f(o);
    f.pages.limit(std::size_t{20} << 20);
    damaged = 0;
    std::atomic<int> refusals{0}, served{0};
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            heap_type& h = *f.registry.attach(*f.store);
            numbers next(t + 1);
            std::vector<parcel> mine;
            mine.reserve(2000);
            for (int round = 0; round < 3; ++round) {
                for (std::size_t i = 0; i < 1500; ++i) {
                    const std::size_t size = 1 + next.below(i % 50 == 0 ? 900'000 : 4000);
                    auto* p = static_cast<unsigned char*>(f.allocate(h, size));
                    if (p == nullptr) {
                        refusals.fetch_add(1);
                        break;
                    }
                    const auto mark = static_cast<unsigned char>(next());
                    std::memset(p, mark, size);
                    mine.push_back({p, size, mark});
                }
                for (const parcel& b : mine) destroy(f, h, b);
                mine.clear();
            }
            f.registry.detach(h);
            served.fetch_add(1);
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(served == 8);
    CHECK(refusals > 0);
    CHECK(damaged == 0);
    CHECK(misuses.empty());
    f.registry.tend_all();
    CHECK(f.spans() == 0);
    heap_type& h = f.attach();
    void* p = h.allocate(10'000'000);
    CHECK(p != nullptr);
    f.free(h, p);
}

TEST_CASE("stress: no byte of a live block changes, and everything comes home", "[malloc][stress]") {
    options o;
    o.purge_delay_ms = 1;
    o.retain_bytes = 256 << 10;
    fixture f(o);
    exchange shared;
    damaged = 0;
    for (std::uint64_t round = 0; round < 6; ++round) {
        std::vector<std::thread> threads;
        for (std::uint64_t t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] { work(f, shared, round * 10 + t + 1, 8000); });
        }
        for (auto& thread : threads) thread.join();
        heap_type& h = f.attach();
        while (shared.parcels.size() > 100) {
            destroy(f, h, shared.parcels.back());
            shared.parcels.pop_back();
        }
        f.registry.detach(h);
    }
    heap_type& h = f.attach();
    for (const parcel& b : shared.parcels) destroy(f, h, b);
    f.registry.detach(h);
    f.registry.tend_all();
    CHECK(damaged == 0);
    CHECK(misuses.empty());
    CHECK(f.spans() == 0);
}
