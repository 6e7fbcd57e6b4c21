// ashlar/strategy/system.hpp - the host's malloc as an allocator.
//
// Layer:      strategy
// Source:     ISO C++20 [c.malloc]; POSIX.1-2017 posix_memalign.
// Picture:    allocate(size, align)  ->  align <= 16: malloc      align > 16: posix_memalign
// Complexity: that of the host's malloc and one comparison.
// Failure:    refuses when the host does; that is not known beforehand, so there is no `available`.
// Threads:    any.
// Invariants: system.I1  every block comes from malloc, calloc, realloc or posix_memalign and goes to free
// Checked by: tests/strategy/system_test.cpp
//
// Also the right upstream where the program's own malloc should be the source of everything.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "ashlar/foundation/allocator.hpp"

namespace ashlar {

/// Stateless: every object of it is the same allocator.
class system {
public:
    static constexpr bool is_thread_safe = true;

    static result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (l.align() <= natural_align) return granted(std::malloc(l.size()), l);
        void* p = nullptr;
        return posix_memalign(&p, l.align(), l.size()) == 0 ? granted(p, l) : alloc_error{};
    }
    static result<block> allocate_zeroed(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (l.align() <= natural_align) return granted(std::calloc(1, l.size()), l);
        const auto made = allocate(l);
        if (made) std::memset(made->data, 0, l.size());
        return made;
    }
    /// @post on refusal p is live and its bytes are as they were
    static result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
        ASHLAR_PRE(now.size() != 0 && live_bytes <= old.size() && live_bytes <= now.size());
        if (old.align() <= natural_align && now.align() <= natural_align) {
            return granted(std::realloc(p, now.size()), now);
        }
        const auto made = allocate(now);  // realloc would lose the alignment
        if (!made) return made;
        std::memcpy(made->data, p, live_bytes);
        deallocate(p, old);
        return made;
    }
    static void deallocate(std::byte* p, layout) noexcept { std::free(p); }  // system.I1

private:
    static constexpr std::size_t natural_align = alignof(std::max_align_t);

    static result<block> granted(void* p, layout l) noexcept {
        if (p == nullptr) return alloc_error{};
        return block{static_cast<std::byte*>(p), l.size()};
    }
};

static_assert(allocator<system> && zeroing<system> && reallocating<system>);

}  // namespace ashlar
