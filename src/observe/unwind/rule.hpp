// src/observe/unwind/rule.hpp - how to come from one frame to its caller, for one address of code, in one word.
//
// Layer:      observe
// Source:     the call frame tables of DWARF 5, section 6.4, of which nearly every row says just this.
// Picture:    63 ... 48 | 47 ... 20 | 19 ... 12 | 11 ... 4 | 3 .. 0
//             low of pc | offset    | epoch     | fp       | kind
// Complexity: O(1).
// Failure:    a row that says more than fits has the kind no_table.
// Threads:    values.
// Invariants: rule.I1  a packed rule is never 0
// Checked by: tests/observe/unwind
#pragma once

#include <cstdint>

namespace ashlar::unwind {

enum class rule_kind : std::uint8_t {
    none = 0,      ///< not known yet
    from_sp,       ///< the caller's stack pointer is sp + offset, its address stands right below
    from_fp,       ///< it is fp + offset
    through_fp,    ///< it stands at fp + offset, and the caller's fp at fp + 8 * fp_at (a realigned stack)
    signal,        ///< what a signal interrupted: sp points to its ucontext
    bottom,        ///< nobody called this
    no_table,      ///< in a module, but no usable row: only the frame pointer could help
};

struct rule {
    rule_kind kind = rule_kind::none;
    /// from_sp, from_fp: the caller's fp stands this many words from its stack pointer; 0: it is unchanged.
    std::int8_t fp_at = 0;
    std::int32_t offset = 0;

    static constexpr std::int32_t most_offset = (1 << 27) - 1;

    friend constexpr bool operator==(const rule&, const rule&) = default;
};

/// A rule is good only for the address and the epoch it was made for: what holds it may have been overwritten.
constexpr std::uint64_t seal_of(std::uintptr_t pc, std::uint32_t epoch) noexcept {
    return std::uint64_t{pc} << 48 | std::uint64_t{epoch & 0xFF} << 12;
}
inline constexpr std::uint64_t seal_bits = 0xFFFF'0000'000F'F000;

constexpr std::uint64_t pack(rule r, std::uint64_t seal) noexcept {
    return seal | static_cast<std::uint64_t>(static_cast<std::uint32_t>(r.offset) & 0xFFF'FFFF) << 20 |
           static_cast<std::uint64_t>(static_cast<std::uint8_t>(r.fp_at)) << 4 | static_cast<std::uint64_t>(r.kind);
}
constexpr rule unpack(std::uint64_t word) noexcept {
    return {static_cast<rule_kind>(word & 0xF), static_cast<std::int8_t>((word >> 4) & 0xFF),
            static_cast<std::int32_t>(static_cast<std::int64_t>(word << 16) >> 36)};
}
static_assert(unpack(pack({rule_kind::from_fp, -2, -123456}, ~std::uint64_t{0} & seal_bits)) ==
              rule{rule_kind::from_fp, -2, -123456});

}  // namespace ashlar::unwind
