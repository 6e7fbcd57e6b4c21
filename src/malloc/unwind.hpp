// ashlar/src/malloc/unwind.hpp - the calls of a thread that is not asked: from its registers and a copy of its stack.
//
// Layer:      malloc
// Source:     DWARF 5, 6.4 (call frame information); System V ABI for x86-64, 3.6; LSB 5.0, .eh_frame and .eh_frame_hdr.
// Picture:    note: [ registers | the stack from the stack pointer upwards, copied ]   when a block is sampled: no table is
//             report: copy + tables of the modules -> return addresses                 read and nothing can go wrong
// Complexity: note: a copy of 2 KiB at most. unwind: a search in the module's table for each frame.
// Failure:    stacks end early: where a module has no tables, is no longer loaded, or the copy ends. Empty on other
//             machines than x86-64, and where the C library has no _dl_find_object (glibc 2.35).
// Threads:    any, in signal handlers too: nothing is locked, nothing allocated.
// Checked by: tests/malloc/program/guarded.py
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/malloc/guard_pool.hpp"

namespace ashlar::malloc {

/// By the numbers of DWARF; the last is the address of the instruction.
struct machine_state {
    static constexpr std::size_t count = 17, frame = 6, stack = 7, instruction = 16;
    std::uintptr_t at[count];
};

/// The calling thread's state and the part of its stack that there is room for.
void note_calls(call_note& to) noexcept;

/// The state when a signal came. @returns false on other machines
bool state_of(const void* ucontext, machine_state& out) noexcept;

/// Addresses of the calls, the innermost first, without those of this library. @returns how many
std::size_t calls_of(const call_note& from, std::uintptr_t* out, std::size_t most) noexcept;
/// The same of a live stack, and its first instruction before them.
std::size_t calls_of(const machine_state& from, std::uintptr_t* out, std::size_t most) noexcept;

/// Where code lies: a module's file, empty for the program's own, and the address as its symbols have it.
struct code_place {
    const char* module;
    std::uintptr_t offset;
};
/// @returns false where that is not known
bool place_of_code(std::uintptr_t address, code_place& out) noexcept;

/// @returns whether eight bytes there can be read; asks the kernel
bool is_readable(std::uintptr_t address) noexcept;

}  // namespace ashlar::malloc
