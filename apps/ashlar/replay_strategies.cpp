// See replay_strategies.hpp.
#include "replay_strategies.hpp"

namespace ashlar::app {

std::vector<std::string> strategy_names() { return {}; }

bool replay_on_strategy(std::string_view, replay_passes&) { return false; }

}  // namespace ashlar::app
