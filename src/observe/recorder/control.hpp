// src/observe/recorder/control.hpp - whether this process is to be recorded, as others of its user say.
//
// Layer:      observe
// Source:     ashlar/observe/record_control.hpp: the page that it is told by.
// Picture:    ASHLAR_CONTROL=FOLDER   FOLDER/PID is this process's page      ASHLAR_PAUSED=1   it begins unrecorded
// Complexity: is_idle(): two loads. The rest: when an order comes.
// Failure:    without a page the process is recorded from its beginning to its end.
// Threads:    is_idle(): any. The rest: who starts or ends a recording, one at a time.
// Invariants: control.I1  a process writes to its own page and removes no other's
// Checked by: tests/tool/attach_test.py
#pragma once

#include <atomic>
#include <cstdint>

#include "ashlar/observe/record_control.hpp"

namespace ashlar::recorder {

extern constinit std::atomic<std::uint32_t*> order;

[[gnu::always_inline]] inline bool is_idle() noexcept {
    return (std::atomic_ref(*order.load(std::memory_order_relaxed)).load(std::memory_order_relaxed) & 1) == 0;
}

/// Makes the process's page if the environment asks for one, and a fork's child has none of its own yet.
void open_control() noexcept;
/// What somebody asked for; null if nobody ever did: then the environment says.
const control_page* asked() noexcept;
/// What became of the order. error: an errno number; the order is then taken back. trace: the file, if there is one
void heed(int error, const char* trace) noexcept;
/// The process ends.
void close_control() noexcept;

}  // namespace ashlar::recorder
