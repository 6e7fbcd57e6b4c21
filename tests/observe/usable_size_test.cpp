#include "ashlar/observe/usable_size.hpp"

#include <malloc.h>

#include <catch2/catch.hpp>
#include <cstdlib>

using namespace ashlar;

TEST_CASE("usable_size: of glibc's blocks it is what malloc_usable_size says", "[observe][usable_size]") {
    void* probe = std::malloc(100);
    const bool is_glibc = malloc_usable_size(probe) == 104;  // under a sanitizer it is another malloc
    std::free(probe);
    for (std::uint64_t size = 0; size < 5000; size = size * 5 / 4 + 1) {
        void* p = std::malloc(size);
        const std::uint64_t more = malloc_usable_size(p) - usable_size(trace_malloc::glibc, size);
        // 16 where glibc found a free place whose rest would have been too small for a block.
        if (is_glibc) CHECK((more == 0 || more == 16));
        std::free(p);
    }
    CHECK(usable_size(trace_malloc::glibc, 0) == 24);
    CHECK(usable_size(trace_malloc::glibc, 25) == 40);
    CHECK(usable_size(trace_malloc::glibc, 100'000) == 100'008);
}

TEST_CASE("usable_size: of ours it is the size of the class, and above them whole pages", "[observe][usable_size]") {
    CHECK(usable_size(trace_malloc::ashlar, 0) == 16);
    CHECK(usable_size(trace_malloc::ashlar, 129) == 160);
    CHECK(usable_size(trace_malloc::ashlar, 65536) == 65536);
    CHECK(usable_size(trace_malloc::ashlar, 65537) == 65536 + 4096);
    CHECK(usable_size(trace_malloc::ashlar, 24, 64) == 64);
    CHECK(usable_size(trace_malloc::ashlar, 24, 3) == 32);  // no alignment at all
}

TEST_CASE("usable_size: of others, and of sizes that no machine has, it is the size", "[observe][usable_size]") {
    CHECK(usable_size(trace_malloc::unknown, 17) == 17);
    CHECK(usable_size(trace_malloc::glibc, ~std::uint64_t{0}) == ~std::uint64_t{0});
    CHECK(usable_size(trace_malloc::ashlar, ~std::uint64_t{0}, ~std::uint64_t{0}) == ~std::uint64_t{0});
}
