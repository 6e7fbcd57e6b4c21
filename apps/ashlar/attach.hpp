// apps/ashlar/attach.hpp - record a process that runs already: from now, until told otherwise.
//
// Layer:      apps/ashlar
// Picture:    order --> [ the process records into FILE ] <-- end of --for, Ctrl-C, or the process ends
// Complexity: it sleeps; then as packing the trace.
// Failure:    throws app::failure if the process cannot be controlled, or cannot write the trace.
// Threads:    main's thread.
// Checked by: tests/tool/attach_test.py
#pragma once

#include <cstdint>
#include <string>

#include "ashlar/observe/record_control.hpp"
#include "recording.hpp"

namespace ashlar::app {

/// Asks for a recording and waits until the process has begun it, or ended, or `patience_ns` is over: a process that allocates
/// nothing never learns of it. @returns whether it has begun
bool begin_recording(controlled_process& process, const recording_options& options, std::uint64_t patience_ns);
/// The same for its end.
bool end_recording(controlled_process& process, std::uint64_t patience_ns);

/// `for_ns`: how long; 0: until we are interrupted or the process ends. @returns the status to leave with
int record_process(std::uint32_t process, recording_options options, std::uint64_t for_ns);

/// "10s", "500ms", "2min" in ns. @throws failure if it is none
std::uint64_t duration_of(const std::string& text);

/// Set by SIGINT, SIGTERM and SIGHUP from now on, which then do nothing else.
class interruption {
public:
    interruption();
    interruption(const interruption&) = delete;
    interruption& operator=(const interruption&) = delete;
    ~interruption();
    bool has_come() const noexcept;
};

}  // namespace ashlar::app
