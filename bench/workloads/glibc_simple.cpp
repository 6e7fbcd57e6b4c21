// glibc_simple - one size at a time: allocate a run of blocks, free the run, first in first out and last in first out.
//
// Stresses: the fast paths alone, with nothing else in the way.
// Source:   glibc benchtests/bench-malloc-simple.c (described there; sizes from 8 bytes to 4 KiB, runs of 25 to 1600).

#include "support.hpp"

using namespace bench;

int main(int argc, char** argv) {
    const options o(argc, argv);
    std::vector<piece> run;
    for (const std::size_t size : {8u, 16u, 48u, 128u, 1024u, 4096u}) {
        for (const std::size_t length : {25u, 100u, 400u, 1600u}) {
            run.resize(length);
            const double blocks = size < 4096 ? 1'200'000 : 150'000;  // 4 KiB runs can cost a system call each
            for (std::size_t round = o.times(blocks / static_cast<double>(length)); round > 0; --round) {
                for (piece& b : run) b = take(size);
                if (round % 2) for (piece& b : run) give(b);
                else for (std::size_t i = length; i-- > 0;) give(run[i]);
            }
        }
    }
}
