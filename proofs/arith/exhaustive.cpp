// Claims whose domain is at most 2^32: every value is tried, on the real functions.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "ashlar/foundation/size_class.hpp"
#include "ashlar/malloc/small_class.hpp"
#include "ashlar/malloc/span.hpp"
#include "ashlar/strategy/segregated_chunk.hpp"

namespace {

std::uint64_t tried = 0;

void hold(bool good, const char* what, std::size_t a, std::size_t b) {
    ++tried;
    if (good) return;
    std::printf("refuted: %s, at %zu and %zu\n", what, a, b);
    std::exit(1);
}

/// Every size and alignment that small blocks may be asked for with.
void aligned_class() {
    for (std::size_t align = 1; align <= ashlar::size_class_max; align *= 2) {
        std::size_t least = ashlar::size_class_count - 1;  // the least class that is a multiple, of those that hold the size
        for (std::size_t size = ashlar::size_class_max; size != 0; --size) {
            for (std::size_t c = least; c-- != 0 && ashlar::size_of_class(c) >= size;) {
                if (ashlar::size_of_class(c) % align == 0) least = c;
            }
            hold(ashlar::class_of_aligned_size(size, align) == least, "the least class that holds it and is a multiple", size, align);
        }
    }
}

/// small_class.I1, and what the usual table says of every size.
void small_class() {
    using namespace ashlar::malloc;
    for (std::size_t n = 0; n <= small_class_limit; ++n) {
        hold(ashlar::malloc::small_class(n) == ashlar::class_of_size(n == 0 ? 1 : n), "small_class is class_of_size", n, 0);
    }
    for (std::size_t n = 1; n <= ashlar::size_class_max; ++n) {
        hold(usual_classes.of(n) == ashlar::class_of_size(n), "the usual table is class_of_size", n, 0);
    }
}

/// small_class.I2, for every class that may be added to the usual ones.
void added_class() {
    using namespace ashlar::malloc;
    constexpr std::uint8_t added = ashlar::size_class_count;
    for (std::size_t bytes = ashlar::size_class_step; bytes <= class_table::largest; bytes += ashlar::size_class_step) {
        class_table table = class_table::usual();
        const auto size_of = [&](std::size_t c) { return c == added ? bytes : ashlar::size_of_class(c); };
        table.add(bytes, added, size_of);
        for (std::size_t n = 1; n <= ashlar::size_class_max; ++n) {
            const std::size_t usual = ashlar::size_of_class(ashlar::class_of_size(n));
            hold(size_of(table.of(n)) == (n <= bytes && bytes < usual ? bytes : usual), "the smallest class that holds it", n, bytes);
        }
    }
}

/// divisor_magic: every size of a block, and of a unit, with every offset in a span.
void multiples() {
    for (std::uint32_t size = 2; size <= 1u << 15; ++size) {
        const std::uint32_t magic = ashlar::malloc::divisor_magic(size);
        std::uint32_t multiples = 0, wrong = 0, next = 0;
        for (std::uint32_t offset = 0; offset < 1u << 16; ++offset) {
            const bool is = offset == next, says = offset * magic < magic;
            next += is ? size : 0;
            multiples += is;
            wrong += is != says;
        }
        hold(wrong == 0 && multiples == (0xffff / size) + 1, "offset * magic < magic if and only if it is a multiple", size, magic);
        tried += 65535;
    }
}

/// segregated_chunk: every offset in a chunk, divided by every size that is a multiple of 16.
void quotient() {
    using ashlar::segregated_chunk;
    for (std::uint32_t size = 16; size < segregated_chunk::bytes; size += 16) {
        const std::uint32_t inverse = segregated_chunk::inverse_of(size);
        for (std::size_t offset = 0; offset < segregated_chunk::bytes; ++offset) {
            hold(segregated_chunk::quotient(offset, inverse) == offset / size, "the quotient", offset, size);
        }
    }
}

}  // namespace

int main(int count, char** words) {
    const struct {
        const char* name;
        void (*body)();
    } claims[] = {{"aligned_class", aligned_class}, {"small_class", small_class}, {"added_class", added_class},
                  {"multiples", multiples}, {"quotient", quotient}};
    for (const auto& claim : claims) {
        if (count != 2 || std::string_view(words[1]) != claim.name) continue;
        claim.body();
        std::printf("result: %llu cases\n", static_cast<unsigned long long>(tried));
        return 0;
    }
    return 2;
}
