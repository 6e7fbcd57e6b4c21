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
    std::vector<std::vector<piece>> inherited(static_cast<std::size_t>(o.threads));
    for (std::size_t round = o.times(1'200); round > 0; --round) {
        in_threads(o.threads, [&](int t) {
            const auto mine = static_cast<std::size_t>(t);
            auto left = errand(round * 64 + mine);
            inherited[mine].swap(left);          // what the last thread of this place left behind ...
            for (piece& b : left) give(b);       // ... is freed by this one
        });
    }
    for (auto& set : inherited) for (piece& b : set) give(b);
}
