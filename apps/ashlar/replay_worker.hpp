// apps/ashlar/replay_worker.hpp - what this executable is when the tool starts it to replay a script.
//
// Layer:      apps/ashlar
// Complexity: that of the pass.
// Failure:    a status that is not 0, and an outcome that says `died`.
// Threads:    one.
// Checked by: tests/tool/replay_test.py
#pragma once

namespace ashlar::app {

/// The arguments are engine, pass, touch, milliseconds and steps: see replay_order.hpp.
int replay_worker(int count, char** arguments);

}  // namespace ashlar::app
