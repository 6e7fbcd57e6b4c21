// ashlar/malloc/seal.hpp - what lies behind the bytes of a block with `harden`: canaries, and how many bytes there are.
//
// Layer:      malloc
// Source:     Cowan et al., "StackGuard", USENIX Security 1998 (canaries); hardened_malloc (a canary behind each block).
// Picture:    [ size bytes | canary | ... | seal ]     the seal is the last word: place and slack, xored with a secret
//             [ size bytes | can.. seal ]              where there is less room the seal covers a part of the canary
// Complexity: two words written, two read.
// Failure:    read tells a broken seal or canary from an intact one.
// Threads:    the block's holder alone.
// Invariants: seal.I1  a write of any length from the first byte behind the `size` bytes on is found, but for those that
//                      leave every byte of canary and seal as it was
// Checked by: tests/malloc/seal_test.cpp, tests/malloc/heap_hardened_test.cpp
//
// Its key is not that of links and marks (encoded_link.hpp): what a program reads here is of no use there.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ashlar::malloc {

struct seal {
    static constexpr std::size_t bytes = 8;        ///< a block is so much larger than what is asked for, at least
    static constexpr std::size_t most_slack = 0xffff;
    static constexpr std::size_t broken = ~std::size_t{0};

    /// @pre size + bytes <= block_size <= size + most_slack
    static void put(std::byte* block, std::size_t size, std::size_t block_size, std::uintptr_t key) noexcept {
        const std::uint64_t secret = secret_of(block, key);
        std::memcpy(block + size, &secret, bytes);  // the canary; then the seal, which may cover it in part
        const std::uint64_t word = secret ^ std::rotr(std::uint64_t{block_size - size}, 16);
        std::memcpy(block + block_size - bytes, &word, bytes);
    }
    /// @returns the size that put was told; `broken` if canary or seal are not what it wrote
    static std::size_t read(const std::byte* block, std::size_t block_size, std::uintptr_t key) noexcept {
        const std::uint64_t secret = secret_of(block, key);
        std::uint64_t word = 0;
        std::memcpy(&word, block + block_size - bytes, bytes);
        const std::size_t slack = std::rotl(word ^ secret, 16);
        if (slack - bytes > block_size - bytes) return broken;
        if (slack == bytes) return block_size - slack;
        std::uint64_t canary = 0;
        std::memcpy(&canary, block + block_size - slack, bytes);
        canary ^= secret;
        if (slack < 2 * bytes) canary <<= 8 * (2 * bytes - slack);  // little-endian: what is below the seal
        return canary == 0 ? block_size - slack : broken;
    }

private:
    static std::uint64_t secret_of(const std::byte* block, std::uintptr_t key) noexcept {
        return reinterpret_cast<std::uintptr_t>(block) ^ key;
    }
};
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

}  // namespace ashlar::malloc
