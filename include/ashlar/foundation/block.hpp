// ashlar/foundation/block.hpp - the bytes that were granted.
//
// Layer:      foundation
// Complexity: a value of two words.
// Failure:    none.
// Threads:    a plain value.
// Checked by: tests/foundation/block_test.cpp
#pragma once

#include <cstddef>
#include <span>

namespace ashlar {

/// A granted range. `size` may exceed what was asked for; every byte of it may be used.
/// A block that was granted never has a null `data`.
struct block {
    std::byte* data;
    std::size_t size;

    constexpr std::byte* end() const noexcept { return data + size; }
    constexpr operator std::span<std::byte>() const noexcept { return {data, size}; }
    friend constexpr bool operator==(const block&, const block&) = default;
};

}  // namespace ashlar
