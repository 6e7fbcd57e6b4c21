// ashlar/os/cgroup.hpp - how much memory the control group of this process may use.
//
// Layer:      os
// Source:     Linux Documentation/admin-guide/cgroup-v2 (memory.max, memory.high), cgroup-v1/memory.
// Complexity: some system calls for each level of the hierarchy.
// Failure:    0 where no limit can be read.
// Threads:    any; it allocates nothing and is no cancellation point.
// Checked by: tests/os/cgroup_test.cpp
#pragma once

#include <cstddef>

namespace ashlar::os {

/// The least limit of the process's control group and those around it, of version 2 and of version 1; 0 for none.
/// The paths are those of Linux; a test gives others.
std::size_t cgroup_memory_limit(const char* membership = "/proc/self/cgroup",
                                const char* root = "/sys/fs/cgroup") noexcept;

}  // namespace ashlar::os
