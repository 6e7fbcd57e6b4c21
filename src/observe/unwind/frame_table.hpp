// src/observe/unwind/frame_table.hpp - compile one row of a module's call frame table into a rule.
//
// Layer:      observe
// Source:     LSB 5.0 core, "DWARF extensions" (.eh_frame, .eh_frame_hdr); DWARF 5, 6.4 (the programs).
// Picture:    .eh_frame_hdr --binary search--> FDE --> CIE's program, then the FDE's up to pc --> rule
// Complexity: O(log functions + instructions of the function's program): some hundred nanoseconds.
// Failure:    a table that is missing, malformed or says more than a rule can: rule_kind::no_table.
// Threads:    any. Nothing allocates; every byte is checked to lie in a readable segment first.
// Checked by: tests/observe/unwind
//
// Expressions are run on numbers of the form "register + constant", or "what stands at register + constant": enough for
// procedure linkage tables (pc is known) and for realigned stacks.
#pragma once

#include "code_module.hpp"
#include "rule.hpp"

namespace ashlar::unwind {

rule compile_rule(std::uintptr_t pc, const code_module& in) noexcept;

}  // namespace ashlar::unwind
