// The least that is an allocator, and the same with what adaptors ask for besides.
#pragma once

#include "ashlar/foundation/allocator.hpp"

namespace ashlar::tests {

struct plain {
    result<block> allocate(layout) noexcept { return alloc_error{}; }
    void deallocate(std::byte*, layout) noexcept {}
};
struct knowing : plain {
    static constexpr bool is_thread_safe = true;
    bool owns(const std::byte*) const noexcept { return false; }
};

}  // namespace ashlar::tests
