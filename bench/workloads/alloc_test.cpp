// alloc_test - one thread, random slots: an empty slot is filled, a full one is read and freed.
//
// Stresses: random lifetimes with Pareto-like sizes up to 1 KiB over a set that exceeds the second-level cache.
// Source:   Ignatchenko et al., "Testing Memory Allocators: ptmalloc2 vs tcmalloc vs hoard vs jemalloc", ITHare 2018.

#include "support.hpp"

using namespace bench;

namespace {

// A power of two at or below the largest, each half as likely as the one before, and a place inside that doubling.
std::size_t pareto(dice& choose) { return choose.halving(8, 1024); }

void worker(std::uint64_t seed, std::size_t steps) {
    constexpr std::size_t slots = 1 << 17;
    dice choose(seed);
    std::vector<piece> held(slots);
    for (std::size_t i = 0; i < steps; ++i) {
        // The square pulls towards the front: some slots turn over quickly, others keep their block for long.
        const std::size_t a = choose.below(slots), b = choose.below(slots);
        piece& slot = held[a * b / slots];
        if (slot) give(slot);
        else slot = take(pareto(choose));
    }
    for (piece& b : held) give(b);
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    in_threads(o.threads, [&](int t) { worker(static_cast<std::uint64_t>(t) + 1, o.times(7'000'000)); });
}
