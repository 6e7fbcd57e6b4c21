// tests/observe/unwind/subject.hpp - stacks of all shapes: compiled without frame pointers, at -O2.
#pragma once

#include <functional>

namespace subject {

using visit = void (*)(void*);  ///< called at the innermost place

void recurse(int depth, visit, void*);
void in_qsort(visit, void*);
void in_sort(visit, void*);
void while_throwing(visit, void*);      ///< in a destructor that an exception runs
void in_catch(visit, void*);
void with_alloca(int size, visit, void*);
void realigned(visit, void*);
void in_signal_handler(visit, void*, bool own_stack);
void in_coroutine(visit, void*);
void on_made_stack(visit, void*);       ///< makecontext
void in_thread(visit, void*, std::size_t stack_bytes);
void from_made_code(visit, void*);      ///< code made at run time, without a table
void from_made_code_with_frame(visit, void*);

}  // namespace subject
