// tests/fuzz/size_class_fuzz.cpp - size classes, those of the malloc with classes added as they come, against a scan of all sizes there are.
#include <algorithm>
#include <set>
#include <vector>

#include "ashlar/malloc/small_class.hpp"
#include "bytes.hpp"

using namespace ashlar;

namespace {

const std::set<std::size_t>& usual() {
    static const std::set<std::size_t> all = [] {
        std::set<std::size_t> made;
        for (std::size_t c = 0; c < size_class_count; ++c) made.insert(size_of_class(c));
        return made;
    }();
    return all;
}
/// The least multiple of the alignment among the sizes that holds it.
std::size_t scanned(const std::set<std::size_t>& sizes, std::size_t size, std::size_t alignment) {
    return *std::find_if(sizes.begin(), sizes.end(), [&](std::size_t s) { return s >= size && s % alignment == 0; });
}

struct client {
    std::set<std::size_t> sizes = usual();
    std::vector<std::size_t> added;
    malloc::class_table table = malloc::class_table::usual();

    std::size_t size_of(std::size_t c) const { return c < size_class_count ? size_of_class(c) : added[c - size_class_count]; }
    void add(std::size_t bytes) {
        if (added.size() == 60) return;
        added.push_back(bytes);
        sizes.insert(bytes);
        table.add(bytes, static_cast<std::uint8_t>(size_class_count + added.size() - 1), [this](std::size_t c) { return size_of(c); });
        for (const std::size_t near : {bytes - 15, bytes, bytes + 1}) look(near);
    }
    void look(std::size_t size) {
        const std::size_t c = class_of_size(size);
        REQUIRE(size_of_class(c) == scanned(usual(), size, 1));  // it fits, and is the least that does
        REQUIRE(class_of_size(size_of_class(c)) == c);
        if (size <= malloc::small_class_limit) REQUIRE(malloc::small_class(size) == c && malloc::small_class_bytes[c] == size_of_class(c));
        REQUIRE(size_of(table.of(size)) == scanned(sizes, size, 1));  // small_class.I2
    }
};

}  // namespace

void fuzz::interpret(bytes b) {
    client c;
    std::size_t last = 1;
    while (!b.empty()) {
        const std::size_t size = 1 + b.below(size_class_max);
        c.look(size);
        // Monotone, and so is what was added.
        REQUIRE((class_of_size(size) >= class_of_size(last)) == (size >= last || class_of_size(size) == class_of_size(last)));
        REQUIRE(size < last || c.size_of(c.table.of(size)) >= c.size_of(c.table.of(last)));
        last = size;
        const std::size_t alignment = std::size_t{1} << b.below(17);
        const bool has_class = (size + alignment - 1) / alignment * alignment <= size_class_max;
        if (has_class) REQUIRE(size_of_class(class_of_aligned_size(size, alignment)) == scanned(usual(), size, alignment));
        if (b.below(2) != 0) c.add(16 * (1 + b.below(malloc::class_table::largest / 16)));
    }
    for (std::size_t size = 16; size <= malloc::class_table::largest; size += 16) c.look(size), c.look(size - 15);
}
