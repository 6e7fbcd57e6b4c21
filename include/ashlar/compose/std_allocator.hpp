// ashlar/compose/std_allocator.hpp - any allocator as the allocator of a standard container.
//
// Layer:      compose
// Source:     ISO C++20 [allocator.requirements].
// Complexity: that of the allocator; no space beyond the handle, none at all for a stateless allocator.
// Failure:    throws std::bad_alloc where the allocator refuses, std::bad_array_new_length where n objects pass
//             PTRDIFF_MAX; built without exceptions it breaks a contract instead.
// Threads:    that of the allocator.
// Invariants: std_allocator.I1  two of them are equal exactly if each can give back what the other was granted
//             std_allocator.I2  a request for no objects asks the allocator for the room of one
// Checked by: tests/compose/std_allocator_test.cpp
//
// A container that is copied, moved or swapped takes the handle along: its blocks and its handle stay together.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

template <class T, allocator A>
class std_allocator {
public:
    using value_type = T;
    using propagate_on_container_copy_assignment = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using is_always_equal = std::bool_constant<stateless<A>>;

    /// @pre the allocator outlives every container that uses it
    std_allocator(A& a) noexcept : allocator_(a) {}
    std_allocator(ref<A> a) noexcept : allocator_(a) {}
    std_allocator() noexcept
        requires stateless<A>
    = default;
    template <class U>
    std_allocator(const std_allocator<U, A>& other) noexcept : allocator_(other.handle()) {}

    /// @throws std::bad_array_new_length, std::bad_alloc
    [[nodiscard]] T* allocate(std::size_t n) {
        const auto l = layout_of(n);
        if (!l) fail<std::bad_array_new_length>();
        const auto granted = allocator_->allocate(*l);
        if (!granted) fail<std::bad_alloc>();
        return reinterpret_cast<T*>(granted->data);
    }
    /// @pre p was granted for n objects by an equal std_allocator
    void deallocate(T* p, std::size_t n) noexcept {
        allocator_->deallocate(reinterpret_cast<std::byte*>(p), *layout_of(n));
    }

    ref<A> handle() const noexcept { return allocator_; }

    template <class U>
    friend bool operator==(const std_allocator& a, const std_allocator<U, A>& b) noexcept {
        return stateless<A> || a.handle().operator->() == b.handle().operator->();  // std_allocator.I1
    }

private:
    static constexpr result<layout> layout_of(std::size_t n) noexcept {
        return layout::array<T>(n == 0 ? 1 : n);  // std_allocator.I2
    }
    template <class Exception>
    [[noreturn]] static void fail() {
#if defined(__cpp_exceptions)
        throw Exception();
#else
        detail::contract_broken("precondition", "the allocator grants", __FILE__, __LINE__);
#endif
    }

    [[no_unique_address]] ref<A> allocator_;
};

}  // namespace ashlar
