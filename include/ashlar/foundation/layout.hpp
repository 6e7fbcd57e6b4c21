// ashlar/foundation/layout.hpp - what is asked for: a size and a power-of-two alignment.
//
// Layer:      foundation
// Source:     Rust's core::alloc::Layout (the algebra and its bound).
// Picture:    a.extend(b):  [ a a a . . | b b b b ]     offset of b is padded to b's alignment
// Complexity: O(1).
// Failure:    every computation that would pass PTRDIFF_MAX is refused; no layout ever overflows.
// Threads:    a plain value.
// Invariants: layout.I1  align is a power of two <= PTRDIFF_MAX
//             layout.I2  size rounded up to align is <= PTRDIFF_MAX
// Checked by: tests/foundation/layout_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/result.hpp"

namespace ashlar {

class layout;
struct extended_layout;

/// The arithmetic of layouts, over any word; `layout` asks nothing else.
namespace layout_math {
template <word W>
constexpr W max_size() noexcept { return W(static_cast<std::uint64_t>(PTRDIFF_MAX)); }

/// @returns whether layout.I1 and layout.I2 hold
template <word W>
constexpr bool holds(W size, W align) noexcept {
    return is_power_of_two(align) && static_cast<bool>(align <= max_size<W>()) &&
           static_cast<bool>(size <= max_size<W>() - (align - W(1)));
}
/// @pre size and align make a layout
/// @returns whether n of it side by side may be one: only the product is looked at
template <word W>
constexpr bool repeats(W size, W align, W n) noexcept { return !mul_wraps(align_up(size, align), n); }
}  // namespace layout_math

template <>
struct niche<layout> {
    static constexpr layout refused() noexcept;
    static constexpr bool is_refused(const layout& value) noexcept;
};

template <>
struct niche<extended_layout> {
    static constexpr extended_layout refused() noexcept;
    static constexpr bool is_refused(const extended_layout& value) noexcept;
};

/// Sizes and alignments in bytes. A size of zero is a layout; no allocator is asked for it (the front
/// ends answer for it).
class layout {
public:
    static constexpr std::size_t max_size = PTRDIFF_MAX;

    /// @returns the layout, or a refusal if align is no power of two or layout.I2 would not hold
    static constexpr result<layout> make(std::size_t size, std::size_t align) noexcept {
        if (!layout_math::holds(size, align)) return alloc_error{};
        return layout(size, align);
    }

    template <class T>
    static constexpr layout of() noexcept { return layout(sizeof(T), alignof(T)); }

    /// The layout of T[n].
    template <class T>
    static constexpr result<layout> array(std::size_t n) noexcept { return of<T>().repeat(n); }

    constexpr std::size_t size() const noexcept { return size_; }
    constexpr std::size_t align() const noexcept { return align_; }

    /// The same alignment with another size.
    constexpr result<layout> resized(std::size_t size) const noexcept { return make(size, align_); }
    /// At least that alignment. @pre align is a power of two
    constexpr result<layout> aligned_to(std::size_t align) const noexcept {
        return make(size_, align > align_ ? align : align_);
    }
    /// The size rounded up to the alignment, so that copies of it can stand side by side.
    constexpr layout padded() const noexcept { return layout(align_up(size_, align_), align_); }

    /// n padded copies side by side, the last one unpadded too: an array of n elements.
    constexpr result<layout> repeat(std::size_t n) const noexcept {
        if (!layout_math::repeats(size_, align_, n)) return alloc_error{};
        return make(padded().size_ * n, align_);
    }
    /// This layout followed by `next`, as the members of a struct follow one another.
    constexpr result<extended_layout> extend(layout next) const noexcept;

    friend constexpr bool operator==(const layout&, const layout&) = default;

private:
    friend struct niche<layout>;
    constexpr layout(std::size_t size, std::size_t align) noexcept : size_(size), align_(align) {}

    std::size_t size_;
    std::size_t align_;
};

/// The whole, and where the second part of it begins.
struct extended_layout {
    layout whole;
    std::size_t offset;
    friend constexpr bool operator==(const extended_layout&, const extended_layout&) = default;
};

constexpr layout niche<layout>::refused() noexcept { return layout(0, 0); }
constexpr bool niche<layout>::is_refused(const layout& value) noexcept { return value.align() == 0; }

constexpr extended_layout niche<extended_layout>::refused() noexcept { return {niche<layout>::refused(), 0}; }
constexpr bool niche<extended_layout>::is_refused(const extended_layout& value) noexcept {
    return niche<layout>::is_refused(value.whole);
}

constexpr result<extended_layout> layout::extend(layout next) const noexcept {
    // Sizes and alignments are at most PTRDIFF_MAX: neither sum wraps, and make refuses what is too long.
    const std::size_t offset = align_up(size_, next.align_);
    return make(offset + next.size_, align_ > next.align_ ? align_ : next.align_)
        .transform([&](layout whole) noexcept { return extended_layout{whole, offset}; });
}

}  // namespace ashlar
