// What asking for room on the stack costs a recursion. count.py reads this file.
#include "ashlar/os/stack_bounds.hpp"

// at most 14 instructions, 3 branches
extern "C" bool check_stack_of_4096() { return ashlar::os::check_stack(4096); }
