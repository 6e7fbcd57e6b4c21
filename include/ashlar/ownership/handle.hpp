// ashlar/ownership/handle.hpp - a reference to an object in a pool or a map that knows when the object is gone.
//
// Layer:      ownership
// Picture:    handle { index, generation }  ->  slot { generation, object }    equal generations: still the same object
// Complexity: a plain value of 8 bytes.
// Failure:    none; a handle that was made by default refers to nothing.
// Threads:    a plain value.
// Invariants: handle.I1  generation 0 is no object's: it stands for nothing, and for a slot that is used up
// Checked by: tests/ownership/handle_test.cpp
//
// A slot counts its generation up when its object ends. When the count would wrap, the slot is never used again: so no
// old handle ever comes to mean a new object.
#pragma once

#include <cstdint>

#include "ashlar/foundation/result.hpp"

namespace ashlar {

/// Typed, so that the handle of one kind of object is not taken for that of another.
template <class T>
struct handle {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;

    constexpr explicit operator bool() const noexcept { return generation != 0; }  // handle.I1
    friend constexpr bool operator==(const handle&, const handle&) = default;
};

template <class T>
struct niche<handle<T>> {
    static constexpr handle<T> refused() noexcept { return {}; }
    static constexpr bool is_refused(const handle<T>& h) noexcept { return h.generation == 0; }
};

}  // namespace ashlar
