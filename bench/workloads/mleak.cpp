// mleak - threads that come, allocate a little of everything, leave some of it behind and go.
//
// Stresses: the cost of a thread's start and end, and whether the memory of ended threads is used again: peak RSS
//           grows without bound when it is not.
// Source:   the mleak test of mimalloc-bench; here a part of the blocks outlives its thread and is freed by another.

#include "support.hpp"

using namespace bench;

namespace {

std::vector<piece> errand(std::uint64_t seed) {
    dice choose(seed);
    std::vector<piece> all(400), left;
    for (piece& b : all) b = take(choose.halving(16, 1 << 16));
    for (piece& b : all) {
        if (choose.below(10) == 0) left.push_back(b);
        else give(b);
    }
    return left;
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    // A place on each core, where one thread follows another: a thread begins on its parent's core, and to move it from
    // there to another would take longer than the errand, and never equally long.
    in_threads(o.threads, [&](int t) {
        std::vector<piece> inherited;
        for (std::size_t round = o.times(1'200); round > 0; --round) {
            std::thread([&] {
                auto left = errand(round * 64 + static_cast<std::size_t>(t));
                inherited.swap(left);            // what the last thread of this place left behind ...
                for (piece& b : left) give(b);   // ... is freed by this one
            }).join();
        }
        for (piece& b : inherited) give(b);
    });
}
