#include "ashlar/malloc/sampling.hpp"
#include "support.hpp"

#include <algorithm>
#include <cmath>

using namespace test_malloc;

namespace {
std::vector<void*> taken;
heap_type* taken_from = nullptr;
void* take(std::size_t size, std::size_t align, bool zeroed) noexcept {
    void* const p = zeroed ? taken_from->allocate_zeroed(size) : taken_from->allocate_aligned(size, align);
    if (p != nullptr) taken.push_back(p);
    return p;
}
}  // namespace

TEST_CASE("sampling: the logarithm and the chance are those of the mathematical library", "[malloc][sampling]") {
    for (double x = 1e-15; x < 1e9; x *= 1.07) {
        CHECK(natural_log(x) == Approx(std::log(x)).epsilon(1e-9).margin(1e-9));
        CHECK(one_minus_exp(x) == Approx(-std::expm1(-x)).epsilon(1e-9));
    }
    CHECK(one_minus_exp(0) == 0);
}

TEST_CASE("sampling: each block is met with its chance, whatever its size", "[malloc][sampling]") {
    for (const std::size_t size : {std::size_t{16}, std::size_t{1024}, std::size_t{65536}}) {
        sample_clock<ashlar::size_class_count> clock;
        clock.seed(size);
        const block_sampler sampler{&take, 20'000, 1};
        clock.follow(sampler, [](std::size_t k) { return ashlar::size_of_class(k); });
        const std::size_t c = ashlar::class_of_size(size);
        double met = 0, blocks = 0, met_large = 0;
        for (int i = 0; i < 40'000; ++i) {  // sampling.I1
            if (clock.due(c)) {
                clock.draw(c, size, sampler.mean);
                met += 1;
                blocks += 1;
            } else {
                blocks += clock.hand_out(c, 3);
            }
            if (clock.meets(size, sampler.mean)) met_large += 1;
        }
        const double chance = chance_of(size, sampler.mean);
        CHECK(met == Approx(blocks * chance).margin(5 * std::sqrt(blocks * chance) + 1));
        CHECK(met_large == Approx(40'000 * chance).margin(5 * std::sqrt(40'000 * chance) + 1));
    }
}

TEST_CASE("sampling: a heap hands sampled blocks out in their turn, and loses none of the others", "[malloc][sampling]") {
    fixture f;
    heap_type& h = f.attach();
    heap_type& own = f.attach();
    taken.clear();
    taken_from = &own;
    std::vector<void*> blocks;
    const auto allocate_some = [&] {
        for (std::size_t i = 0; i < 6000; ++i) {
            void* p = i % 3 == 0 ? h.allocate_zeroed(i % 3000) : h.allocate(i % 3000);
            if (i % 3 == 0 && !all_bytes(p, i % 3000, 0)) FAIL("a zeroed block is not zero");
            std::memset(p, 0xab, i % 3000);
            blocks.push_back(p);
        }
        blocks.push_back(h.allocate(500'000));
    };
    allocate_some();
    // The sampled ones come from a heap that must not sample itself, or it would go round: here by its own epoch.
    static const block_sampler sampler{[](std::size_t size, std::size_t align, bool zeroed) noexcept -> void* {
                                           static bool inside = false;
                                           if (inside) return nullptr;
                                           inside = true;
                                           void* const p = take(size, align, zeroed);
                                           inside = false;
                                           return p;
                                       },
                                       10'000, 1};
    f.store->set_sampler(&sampler);
    allocate_some();
    CHECK(taken.size() > 300);  // nine megabytes, one in ten thousand
    f.store->set_sampler(nullptr);
    const std::size_t so_far = taken.size();
    allocate_some();
    CHECK(taken.size() == so_far);
    std::sort(blocks.begin(), blocks.end());
    CHECK(std::adjacent_find(blocks.begin(), blocks.end()) == blocks.end());
    for (void* p : blocks) f.free(h, p);
    h.settle();
    own.read_mail();
    h.read_mail();
    CHECK(misuses.empty());
    f.registry.detach(h);
    f.registry.detach(own);
    CHECK(f.spans() == 0);
}
