// ashlar/ownership/value_layout.hpp - the layout of a value that is owned as one of its bases, in one word.
//
// Layer:      ownership
// Picture:    64 bits  [ log2 of the alignment : 6 | size : 58 ]
// Complexity: one word beside the value, and only beside a value whose type has a virtual destructor.
// Failure:    none.
// Threads:    a plain value.
// Invariants: value_layout.I1  unpacking gives the layout that was packed
// Checked by: tests/ownership/value_layout_test.cpp
//
// Giving back is sized, always. An owner of a base does not know the size of the derived object, so whoever makes
// the object writes it down in front of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ashlar/foundation/layout.hpp"

namespace ashlar {

class value_layout {
public:
    /// @pre l.size() < 2^58, as is that of every type
    constexpr explicit value_layout(layout l) noexcept
        : word_(static_cast<std::uint64_t>(log2_of(l.align())) << size_bits | l.size()) {
        ASHLAR_PRE(l.size() >> size_bits == 0);
    }
    constexpr layout unpacked() const noexcept {
        return *layout::make(word_ & ((std::uint64_t{1} << size_bits) - 1), std::size_t{1} << (word_ >> size_bits));
    }

private:
    static constexpr unsigned size_bits = 58;
    static constexpr unsigned log2_of(std::size_t align) noexcept { return static_cast<unsigned>(__builtin_ctzll(align)); }

    std::uint64_t word_;
};

/// May be owned as one of its bases, so that its size is not known from the type of its owner.
template <class T>
concept open_type = std::has_virtual_destructor_v<T>;

/// Whether a Base begins where a Derived does, so that one address serves as both. Of an abstract Derived the
/// language does not let one ask at compile time, and the answer is no.
template <class Derived, class Base>
consteval bool begins_with() noexcept {
    if constexpr (std::is_abstract_v<Derived>) {
        return false;
    } else {
        union place {
            constexpr place() noexcept : nothing() {}
            constexpr ~place() {}
            char nothing;
            Derived derived;
        };
        place p;
        Derived* const derived = &p.derived;
        Base* const base = derived;
        return static_cast<const void*>(base) == static_cast<const void*>(derived);
    }
}

}  // namespace ashlar
