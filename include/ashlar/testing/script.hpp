// ashlar/testing/script.hpp - what a client does, as bytes: any bytes mean some client.
//
// Layer:      testing
// Picture:    [ kind size align pick ] [ kind size align pick ] ...   four bytes an act; 0 0 0 0 asks for 1 byte
// Complexity: O(1) an act.
// Failure:    none: every byte decodes, and missing bytes are zero.
// Threads:    plain values.
// Invariants: script.I1  a smaller byte means a plainer act, so shrinking bytes shrinks the counter-example
// Checked by: tests/testing/script_test.cpp
//
// One interpreter for libFuzzer, RapidCheck and plain tests. Sizes crowd around the borders of size classes
// and pages and reach PTRDIFF_MAX; alignments reach beyond a page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ashlar/foundation/layout.hpp"

namespace ashlar::testing {

enum class act_kind : std::uint8_t {
    allocate,
    deallocate,
    round_trip,  ///< allocate, and give back at once: law C7
    allocate_zeroed,
    grow,
    shrink,
    reallocate,
    exhaust,  ///< allocate the same layout until it is refused
    clear,    ///< give every block back
    reset,
};

/// One act of a client. The bytes are kept raw so that they can be shrunk and stored.
struct act {
    std::uint8_t kind = 0;
    std::uint8_t size = 0;
    std::uint8_t align = 0;
    std::uint8_t pick = 0;
    friend bool operator==(const act&, const act&) = default;
};

using script = std::vector<act>;

constexpr act_kind kind_of(act a) {
    constexpr std::array<std::uint8_t, 10> up_to{10, 17, 19, 21, 23, 25, 28, 29, 31, 32};  // shares of 32
    for (std::size_t k = 0; k < up_to.size(); ++k) {
        if (a.kind % 32 < up_to[k]) return static_cast<act_kind>(k);
    }
    return act_kind::allocate;
}

/// Sizes in bytes. Half of the codes are small; then borders of classes and pages; the last few are absurd.
constexpr std::size_t size_of(act a) {
    const std::size_t code = a.size;
    if (code < 128) return code + 1;
    if (code < 176) return (std::size_t{16} << ((code - 128) / 6)) + (code - 128) % 6 * 8 - 16;  // 16 B .. 2 KiB
    if (code < 224) return (std::size_t{32} << ((code - 176) / 4)) + (code - 176) % 4 - 1;       // 2^k - 1 .. 2^k + 2
    if (code < 240) return (code - 223) * 1000;
    if (code < 250) return std::size_t{4096} << (code - 240);  // to 2 MiB
    constexpr std::array<std::size_t, 6> absurd{layout::max_size / 2,   layout::max_size - 65536, layout::max_size - 4096,
                                                layout::max_size - 64, layout::max_size - 1,     layout::max_size};
    return absurd[code - 250];
}

/// Alignments in bytes: mostly small, to 256 KiB.
constexpr std::size_t align_of(act a) {
    constexpr std::array<std::uint8_t, 32> exponents{0, 3, 4, 3, 4, 0, 3, 4, 1,  2,  3,  4,  5,  6,  7,  8,
                                                     3, 4, 4, 3, 0, 4, 3, 9, 10, 11, 12, 13, 14, 15, 17, 18};
    return std::size_t{1} << exponents[a.align % 32];
}

/// The layout an act asks for. Where size and alignment do not go together, the alignment gives way.
constexpr layout layout_of(act a) {
    const auto l = layout::make(size_of(a) == 0 ? 1 : size_of(a), align_of(a));
    return l ? *l : *layout::make(size_of(a), 1);
}

/// Any bytes as a script; a last incomplete act is filled with zeros.
inline script decode(std::span<const std::uint8_t> bytes) {
    script acts((bytes.size() + 3) / 4);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        act& a = acts[i / 4];
        std::array<std::uint8_t*, 4>{&a.kind, &a.size, &a.align, &a.pick}[i % 4][0] = bytes[i];
    }
    return acts;
}
inline std::vector<std::uint8_t> encode(const script& acts) {
    std::vector<std::uint8_t> bytes;
    for (const act& a : acts) bytes.insert(bytes.end(), {a.kind, a.size, a.align, a.pick});
    return bytes;
}

/// splitmix64: the same script for the same seed, on every machine.
class dice {
public:
    explicit constexpr dice(std::uint64_t seed) : state_(seed) {}
    constexpr std::uint64_t roll() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

private:
    std::uint64_t state_;
};

/// A script of n acts. Every other seed is a client of modest wishes: small sizes, natural alignments.
inline script random_script(std::uint64_t seed, std::size_t n) {
    dice d(seed);
    const bool modest = seed % 2 != 0;
    script acts(n);
    for (act& a : acts) {
        const std::uint64_t bits = d.roll();
        a = {static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8),
             static_cast<std::uint8_t>(bits >> 16), static_cast<std::uint8_t>(bits >> 24)};
        if (modest) {
            a.size %= 208;
            a.align %= 16;
        }
    }
    return acts;
}

}  // namespace ashlar::testing
