#include "checksum.hpp"

#include <array>
#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#endif

namespace ashlar {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() noexcept {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t n = 0; n < 256; ++n) {
        std::uint32_t crc = n;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78U : 0U);
        table[n] = crc;
    }
    return table;
}
constexpr auto table = make_table();

#if defined(__x86_64__)
bool has_instruction() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_2) != 0;
}

[[gnu::target("sse4.2")]] std::uint32_t by_instruction(std::uint32_t crc, const unsigned char* at,
                                                       std::size_t size) noexcept {
    std::uint64_t wide = crc;
    for (; size >= 8; at += 8, size -= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = static_cast<std::uint32_t>(wide);
    for (; size != 0; ++at, --size) crc = _mm_crc32_u8(crc, *at);
    return crc;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(std::uint32_t so_far, const void* bytes, std::size_t size) noexcept {
    const auto* at = static_cast<const unsigned char*>(bytes);
    std::uint32_t crc = ~so_far;
    for (; size != 0; ++at, --size) crc = (crc >> 8) ^ table[(crc ^ *at) & 0xFF];
    return ~crc;
}

std::uint32_t crc32c(std::uint32_t so_far, const void* bytes, std::size_t size) noexcept {
#if defined(__x86_64__)
    // Not a static local: its guard would be a call into the C++ library, which the recorder does without.
    static constinit std::atomic<int> known{-1};
    int fast = known.load(std::memory_order_relaxed);
    if (fast < 0) known.store(fast = has_instruction(), std::memory_order_relaxed);
    if (fast) return ~by_instruction(~so_far, static_cast<const unsigned char*>(bytes), size);
#endif
    return crc32c_portable(so_far, bytes, size);
}

}  // namespace ashlar
