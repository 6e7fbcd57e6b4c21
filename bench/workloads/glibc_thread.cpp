// glibc_thread - every thread replaces random blocks of its own working set.
//
// Stresses: thread-local paths with sizes from 4 bytes to 32 KiB, mostly small; threads share nothing but the malloc.
// Source:   glibc benchtests/bench-malloc-thread.c (working set of 1024 blocks, inverse-exponential sizes).

#include "support.hpp"

using namespace bench;

int main(int argc, char** argv) {
    const options o(argc, argv);
    in_threads(o.threads, [&](int t) {
        dice choose(static_cast<std::uint64_t>(t) + 1);
        std::vector<piece> set(1024);
        for (std::size_t i = o.times(8'000'000); i > 0; --i) {
            piece& b = set[choose.below(set.size())];
            give(b);
            b = take(choose.halving(4, 32'768));
        }
        for (piece& b : set) give(b);
    });
}
