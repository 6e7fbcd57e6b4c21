// ashlar/tests/malloc/faults/pattern.hpp - blocks that know what must be in them: every byte follows from address and size.
//
// A block that is handed out twice, overlaps another, loses its contents in realloc or is written by the allocator while
// it lives differs from its pattern in some byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../support/numbers.hpp"

namespace faults {

using ::support::numbers;

struct held {
    unsigned char* p = nullptr;
    std::size_t size = 0;
};

inline std::uint64_t word_at(std::uint64_t key, std::size_t i) { return (key + i) * 0x9e3779b97f4a7c15u; }
inline std::uint64_t key_of(const held& b) { return reinterpret_cast<std::uintptr_t>(b.p) ^ (b.size * 0xd6e8feb86659fd93u); }

inline void fill(const held& b) {
    const std::uint64_t key = key_of(b);
    std::size_t i = 0;
    for (; i + 8 <= b.size; i += 8) {
        const std::uint64_t word = word_at(key, i);
        std::memcpy(b.p + i, &word, 8);
    }
    const std::uint64_t word = word_at(key, i);
    std::memcpy(b.p + i, &word, b.size - i);
}
/// @returns whether the first `length` bytes at `p` are those that `b` was filled with
inline bool intact(const held& b, const unsigned char* p, std::size_t length) {
    const std::uint64_t key = key_of(b);
    std::size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        const std::uint64_t word = word_at(key, i);
        if (std::memcmp(p + i, &word, 8) != 0) return false;
    }
    const std::uint64_t word = word_at(key, i);
    return std::memcmp(p + i, &word, length - i) == 0;
}
inline bool intact(const held& b) { return intact(b, b.p, b.size); }
inline bool all_zero(const unsigned char* p, std::size_t size) {
    return size == 0 || (p[0] == 0 && std::memcmp(p, p + 1, size - 1) == 0);
}

}  // namespace faults
