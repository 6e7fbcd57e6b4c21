// sh6 - bursts of allocation, small sizes far more often than large ones, freed last in first out and in order.
//
// Stresses: how quickly runs of one size are carved, and whether long free lists stay cheap to walk.
//           Variant "migrate" (sh8): half of each burst is left to another thread, which frees it.
// Source:   the SmartHeap benchmarks of MicroQuill (sh6bench, sh8bench), after the description in mimalloc-bench.

#include <mutex>

#include "support.hpp"

using namespace bench;

namespace {

std::mutex guard;
std::vector<std::vector<piece>> abandoned;

// Swap a set of blocks for the oldest one that another thread left; the sets in between wait their turn.
std::vector<piece> migrate(std::vector<piece>&& mine, std::size_t most) {
    std::lock_guard lock(guard);
    abandoned.push_back(std::move(mine));
    if (abandoned.size() <= most) return {};
    std::vector<piece> oldest = std::move(abandoned.front());
    abandoned.erase(abandoned.begin());
    return oldest;
}

// One burst: sizes 1 to 1000 in rising order, each doubling of size with half as many blocks as the one before.
void allocate_burst(std::vector<piece>& burst, dice& choose) {
    for (std::size_t top = 8, count = 640; top <= 1024; top *= 2, count /= 2) {
        const std::size_t high = top < 1000 ? top : 1000;
        for (std::size_t i = 0; i < count; ++i) burst.push_back(take(choose.between(top / 2, high)));
    }
}

void worker(std::uint64_t seed, std::size_t bursts, bool migrates, std::size_t threads) {
    dice choose(seed);
    std::vector<std::vector<piece>> kept(16);  // blocks that live for sixteen bursts
    for (std::size_t n = 0; n < bursts; ++n) {
        std::vector<piece> burst, saved;
        allocate_burst(burst, choose);
        for (std::size_t i = 0; i < burst.size(); i += 2) { saved.push_back(burst[i]); burst[i] = {}; }
        if (n % 2) for (piece& b : burst) give(b);
        else for (std::size_t i = burst.size(); i-- > 0;) give(burst[i]);
        if (migrates) saved = migrate(std::move(saved), 16 * threads);
        else saved.swap(kept[n % kept.size()]);
        for (piece& b : saved) give(b);
    }
    for (auto& set : kept) for (piece& b : set) give(b);
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    const std::size_t bursts = o.times(8'000) / static_cast<std::size_t>(o.threads) + 1;
    in_threads(o.threads, [&](int t) {
        worker(static_cast<std::uint64_t>(t) + 1, bursts, o.is("migrate"), static_cast<std::size_t>(o.threads));
    });
    for (auto& set : abandoned) for (piece& b : set) give(b);
}
