// ashlar/src/malloc/printers.hpp - the statistics for a reader, a program, and readers of glibc's malloc_info.
//
// Layer:      malloc
// Complexity: O(size classes + heaps); nothing allocates, a line at a time is given to the sink.
// Failure:    what the sink drops is lost.
// Threads:    no lock is held while the sink is called: it may allocate, and may block.
// Checked by: tests/malloc/program/statistics.cpp, tests/malloc/program/configured.py
#pragma once

#include "ashlar/malloc/statistics.hpp"
#include "line.hpp"

namespace ashlar::malloc {

void print_text(const statistics& s, const sink& out) noexcept;
void print_json(const statistics& s, const sink& out) noexcept;
void print_xml(const statistics& s, const sink& out) noexcept;
/// Counts everything for the calling thread.
void gather(statistics& s) noexcept;

}  // namespace ashlar::malloc
