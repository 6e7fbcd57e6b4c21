// ashlar/compose/preallocated.hpp - memory that is there from the beginning first, then a fallback.
//
// Layer:      compose
// Source:     Alexandrescu's StackFront (D, std.experimental.allocator).
// Picture:    { [ N bytes <- Primary ] , Fallback }
// Complexity: that of compose/fallback.hpp.
// Failure:    refuses when the preallocated memory has no room and the fallback refuses.
// Threads:    one at a time, as Primary.
// Invariants: preallocated.I1  a block inside the preallocated memory is Primary's, any other the fallback's
// Checked by: tests/compose/preallocated_test.cpp
//
// deallocate, reallocate and the in-place operations reach the allocator that granted the block (preallocated.I1).
#pragma once

#include <type_traits>

#include "ashlar/compose/fallback.hpp"
#include "ashlar/foundation/fixed_buffer.hpp"

namespace ashlar {

namespace detail {
template <class Primary, std::size_t N>
struct preallocation {
    fixed_buffer<N> buffer;
    Primary primary{buffer.block()};
};
}  // namespace detail

/// N bytes inside the object, served by a Primary that is made from a block (a bump, say). It has just the abilities of
/// fallback<Primary, Fallback>.
template <std::size_t N, allocator Primary, allocator Fallback>
    requires owning<Primary> && std::is_constructible_v<Primary, block>
class preallocated : detail::preallocation<Primary, N>, public fallback<Primary, Fallback> {
    using storage = detail::preallocation<Primary, N>;

public:
    explicit preallocated(ref<Fallback> otherwise) noexcept
        : storage(), fallback<Primary, Fallback>(storage::primary, otherwise) {}
    preallocated() noexcept
        requires stateless<Fallback>
        : storage(), fallback<Primary, Fallback>(storage::primary) {}

    /// The allocator of the preallocated memory, to ask how much is left.
    const Primary& first() const noexcept { return storage::primary; }
};

}  // namespace ashlar
