// cache_thrash - every thread allocates a small block, writes to it many times and frees it.
//
// Stresses: active false sharing: a malloc that carves one cache line for two threads makes them fight over it.
// Source:   Berger, McKinley, Blumofe and Wilson, "Hoard: A Scalable Memory Allocator for Multithreaded
//           Applications", ASPLOS 2000.

#include "support.hpp"

using namespace bench;

int main(int argc, char** argv) {
    constexpr std::size_t size = 8, writes = 100, held = 4;
    const options o(argc, argv);
    const std::size_t rounds = o.times(250'000) / static_cast<std::size_t>(o.threads) + 1;
    in_threads(o.threads, [&](int) {
        piece few[held];
        for (std::size_t i = 0; i < rounds; ++i) {
            for (piece& b : few) b = take(size);
            for (piece& b : few) {
                auto* cell = reinterpret_cast<volatile unsigned char*>(b.at);
                for (std::size_t w = 0; w < writes; ++w) *cell = static_cast<unsigned char>(*cell + 1);
                b.stamp();
            }
            for (piece& b : few) give(b);
        }
    });
}
