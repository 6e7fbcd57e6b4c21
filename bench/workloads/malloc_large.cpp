// malloc_large - blocks of 5 to 25 MiB, twenty of them, replaced at random.
//
// Stresses: what a malloc does with large blocks given back: too eager and every reuse faults all pages in again,
//           too idle and the memory of the process grows.
// Source:   microsoft/mimalloc issue 447, the origin of malloc-large in mimalloc-bench.

#include "support.hpp"

using namespace bench;

int main(int argc, char** argv) {
    const options o(argc, argv);
    constexpr std::size_t mib = 1 << 20, page = 4096;
    dice choose(1);
    std::vector<piece> held(20);
    for (std::size_t i = o.times(150); i > 0; --i) {
        piece& b = held[choose.below(held.size())];
        give(b);
        b = take(choose.between(5 * mib, 25 * mib));
        for (std::size_t at = page; at + page < b.size; at += page) {
            b.at[at] = static_cast<unsigned char>(at / page);
        }
        for (std::size_t at = page; at + page < b.size; at += 16 * page) {
            expect(b.at[at] == static_cast<unsigned char>(at / page), "a page lost its byte");
        }
    }
    for (piece& b : held) give(b);
}
