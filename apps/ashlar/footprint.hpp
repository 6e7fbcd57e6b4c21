// apps/ashlar/footprint.hpp - the memory of this process that is its own: anonymous pages, counted by the kernel.
//
// Layer:      apps/ashlar
// Source:     Linux, Documentation/filesystems/proc.rst: smaps_rollup, "Anonymous".
// Complexity: linear in the pages of the process; about a millisecond for each 200 MiB.
// Failure:    0 where /proc cannot tell; where it has no smaps_rollup, all resident memory is counted instead.
// Threads:    any.
// Checked by: tests/tool/replay_test.py
//
// Not getrusage: its maximum counts file pages, forgets nothing, and is kept in steps of many pages a thread.
// Allocates nothing, because it runs inside the heap that it measures.
#pragma once

#include <cstdint>

namespace ashlar::app {

std::uint64_t own_memory() noexcept;

}  // namespace ashlar::app
