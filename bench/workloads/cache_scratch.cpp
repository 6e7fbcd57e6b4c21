// cache_scratch - neighbouring small blocks are handed to threads, which free them and allocate the same size again.
//
// Stresses: passive false sharing: a malloc that gives each thread the very block it freed leaves the threads
//           writing to one cache line for ever.
// Source:   Berger, McKinley, Blumofe and Wilson, "Hoard: A Scalable Memory Allocator for Multithreaded
//           Applications", ASPLOS 2000.

#include "support.hpp"

using namespace bench;

int main(int argc, char** argv) {
    constexpr std::size_t size = 8, writes = 1000;
    const options o(argc, argv);
    const std::size_t rounds = o.times(120'000) / static_cast<std::size_t>(o.threads) + 1;
    std::vector<piece> seeds;
    for (int t = 0; t < o.threads; ++t) seeds.push_back(take(size));
    in_threads(o.threads, [&](int t) {
        give(seeds[static_cast<std::size_t>(t)]);
        for (std::size_t i = 0; i < rounds; ++i) {
            piece b = take(size);
            auto* cell = reinterpret_cast<volatile unsigned char*>(b.at);
            const unsigned char before = *cell;
            for (std::size_t w = 0; w < writes; ++w) *cell = static_cast<unsigned char>(*cell + 1);
            expect(*cell == static_cast<unsigned char>(before + writes % 256), "someone else wrote to a block");
            b.stamp();
            give(b);
        }
    });
}
