// apps/ashlar/replay_strategies.hpp - the strategies that a trace can be replayed on inside a worker.
//
// Layer:      apps/ashlar
// Complexity: a strategy takes address space when it is made; memory when it is used.
// Failure:    false where there is no strategy of that name, or no address space for it.
// Threads:    one.
// Checked by: tests/tool/replay_test.py
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ashlar/observe/replay_script.hpp"
#include "replay_passes.hpp"

namespace ashlar::app {

std::vector<std::string> strategy_names();

/// Makes the strategy of that name and runs the pass on it.
bool replay_on_strategy(std::string_view name, replay_passes& passes);

}  // namespace ashlar::app
