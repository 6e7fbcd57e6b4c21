// tests/support/numbers.hpp - reproducible numbers without a library: also for programs that count every call of malloc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace support {

struct numbers {
    std::uint64_t state;
    explicit numbers(std::uint64_t seed) : state(seed * 0x9e3779b97f4a7c15u + 1) {}
    std::uint64_t operator()() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>((*this)() % n); }
    bool one_in(std::size_t n) { return below(n) == 0; }
};

}  // namespace support
