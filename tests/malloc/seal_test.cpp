#include <catch2/catch.hpp>

#include <bit>
#include <cstring>

#include "ashlar/malloc/seal.hpp"

using ashlar::malloc::seal;

namespace {
constexpr std::uintptr_t key = 0x5eed'1234'5678'9abc;
alignas(16) std::byte place[256];
}  // namespace

TEST_CASE("seal: the size comes back, and no byte of the block is touched", "[malloc][seal]") {
    for (const std::size_t block_size : {16u, 32u, 48u, 112u, 256u}) {
        for (std::size_t size = 0; size + seal::bytes <= block_size; ++size) {
            std::memset(place, 0x5c, sizeof place);
            seal::put(place, size, block_size, key);
            CHECK(seal::read(place, block_size, key) == size);
            for (std::size_t i = 0; i < size; ++i) {
                if (place[i] != std::byte{0x5c}) FAIL("byte " << i << " was written");
            }
            for (std::size_t i = block_size; i < sizeof place; ++i) {
                if (place[i] != std::byte{0x5c}) FAIL("wrote behind the block");
            }
        }
    }
}

TEST_CASE("seal: a changed byte behind the size is found wherever a run of them begins there", "[malloc][seal]") {
    for (const std::size_t block_size : {16u, 32u, 112u}) {
        for (std::size_t size = 0; size + seal::bytes <= block_size; ++size) {
            for (const std::size_t length : {std::size_t{1}, std::size_t{2}, std::size_t{8}, block_size - size}) {
                if (size + length > block_size) continue;
                seal::put(place, size, block_size, key);
                for (std::size_t i = 0; i < length; ++i) place[size + i] ^= std::byte{0x21};
                if (seal::read(place, block_size, key) != seal::broken) {
                    FAIL(block_size << ", " << size << ", " << length << " bytes");  // seal.I1
                }
            }
        }
    }
}

TEST_CASE("seal: that of another block, of another size or of another process is none", "[malloc][seal]") {
    seal::put(place, 20, 32, key);
    CHECK(seal::read(place, 32, key + 1) == seal::broken);
    CHECK(seal::read(place, 48, key) == seal::broken);
    std::memcpy(place + 64, place, 32);
    CHECK(seal::read(place + 64, 32, key) == seal::broken);
    std::memset(place, 0, sizeof place);
    CHECK(seal::read(place, 32, key) == seal::broken);
}

TEST_CASE("seal: one that tells of more bytes than the block has is broken, whatever lies in front of the block", "[malloc][seal]") {
    std::byte* const block = place + 64;
    seal::put(block, 0, 48, key);
    std::uint64_t secret = 0;
    std::memcpy(&secret, block, sizeof secret);  // the canary
    for (std::byte* p = place; p != block; p += sizeof secret) std::memcpy(p, &secret, sizeof secret);
    for (const std::uint64_t slack : {49u, 56u, 64u, 104u, 0u, 7u}) {
        const std::uint64_t word = secret ^ std::rotr(slack, 16);
        std::memcpy(block + 48 - seal::bytes, &word, sizeof word);
        CHECK(seal::read(block, 48, key) == seal::broken);
    }
}
