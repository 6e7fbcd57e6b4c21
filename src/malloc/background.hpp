// ashlar/src/malloc/background.hpp - a thread that gives free memory back while the program does not call malloc.
//
// Layer:      malloc
// Complexity: asleep while nothing is free; awake it looks twice in each purge_delay_ms.
// Failure:    where no thread is to be had, purging is left to the calls of malloc and free, as without it.
// Threads:    start_background by one thread at a time: when the library is loaded, and in the child of fork.
// Checked by: tests/malloc/program/background.cpp
#pragma once

namespace ashlar::malloc {

/// Starts it if the settings ask for it (background_purge). In the child of fork it is to be started again.
void start_background() noexcept;

}  // namespace ashlar::malloc
