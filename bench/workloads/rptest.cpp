// rptest - blocks of 8 to 16000 bytes, small ones more often, allocated and freed in rounds across threads.
//
// Stresses: the medium sizes that thread caches like least, with whole sets of blocks freed by another thread.
// Source:   Jansson, rpmalloc-benchmark (linear fall-off of sizes, cross-thread rate 2).

#include <mutex>

#include "support.hpp"

using namespace bench;

namespace {

constexpr std::size_t low = 8, high = 16'000, blocks = 1000, operations = 100;
std::mutex guard;
std::vector<std::vector<piece>> parcels;  // sets of blocks left for any thread

void leave(std::vector<piece>&& set) {
    std::lock_guard lock(guard);
    parcels.push_back(std::move(set));
}

std::vector<piece> collect() {
    std::lock_guard lock(guard);
    if (parcels.empty()) return {};
    std::vector<piece> set = std::move(parcels.back());
    parcels.pop_back();
    return set;
}

void worker(std::uint64_t seed, std::size_t loops) {
    dice choose(seed);
    std::vector<piece> mine(blocks);
    for (std::size_t loop = 0; loop < loops; ++loop) {
        // Replace a tenth of the blocks; walk with a stride, as freed neighbours would be too kind.
        for (std::size_t i = 0; i < operations; ++i) {
            piece& b = mine[(loop * 7919 + i * 541) % blocks];
            give(b);
            b = take(choose.falling(low, high));
        }
        if (loop % 2) {  // every second loop a set of blocks changes hands
            std::vector<piece> set;
            for (std::size_t i = 0; i < operations / 4; ++i) set.push_back(take(choose.falling(low, high)));
            leave(std::move(set));
            for (piece& b : collect()) give(b);
        }
    }
    for (piece& b : mine) give(b);
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    in_threads(o.threads, [&](int t) { worker(static_cast<std::uint64_t>(t) + 1, o.times(20'000)); });
    for (auto& set : parcels) {
        for (piece& b : set) give(b);
    }
}
