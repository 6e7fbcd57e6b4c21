// ashlar/os/foreign_stack.hpp - a stack that no thread began on, made known: a coroutine's, a fiber's.
//
// Layer:      os
// Complexity: O(1) as a rule, O(registered stacks) where the last places are all taken; 32 bytes each, from the system.
// Failure:    known() is false where no memory was to be had; the stack can be used, but check_stack refuses on it.
// Threads:    any; find_foreign_stack in a signal handler too: nothing is locked.
// Checked by: tests/os/foreign_stack_test.cpp
//
// While it is known, check_stack and this_stack find it by the stack pointer. What handles faults may find it by an address in
// its guard, and say its name.
#pragma once

#include "ashlar/os/stack_bounds.hpp"

namespace ashlar::os {

namespace detail {
struct foreign_slot;
}

class foreign_stack {
public:
    /// @pre the name lives as long as the object; the bounds overlap no other's
    foreign_stack(const stack_bounds& stack, const char* name) noexcept;
    /// @pre no thread runs on it
    ~foreign_stack();
    foreign_stack(const foreign_stack&) = delete;
    foreign_stack& operator=(const foreign_stack&) = delete;

    bool known() const noexcept { return slot_ != nullptr; }

private:
    detail::foreign_slot* slot_;
};

struct foreign_stack_found {
    stack_bounds stack;  ///< empty: there is none
    const char* name = nullptr;
};
/// The stack whose bytes or guard `p` is one of.
foreign_stack_found find_foreign_stack(const void* p) noexcept;
/// The registered stack that ends nearest above `p`, and holds or guards it or nothing; empty if there is none.
foreign_stack_found next_foreign_stack(const void* p) noexcept;

}  // namespace ashlar::os
