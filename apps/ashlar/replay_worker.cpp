// The worker of `ashlar replay`: one engine, one pass, one process. It is started by the tool, with the engine's
// library preloaded, and touches that heap as little as it can before the replay: no command-line parser, no streams.
#include "replay_worker.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include "replay_order.hpp"
#include "replay_passes.hpp"
#include "replay_strategies.hpp"
#include "shared_file.hpp"

namespace ashlar::app {
namespace {

/// Pages that are not counted as this heap's: shared, and there from the start.
template <class T>
std::span<T> table(std::uint64_t count, bool populated) {
    const std::size_t size = (count + 1) * sizeof(T);
    const int flags = MAP_SHARED | MAP_ANONYMOUS | (populated ? MAP_POPULATE : MAP_NORESERVE);
    void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at == MAP_FAILED) return {};
    return {static_cast<T*>(at), count};
}

bool run_engine(std::string_view engine, replay_passes& passes) {
    if (engine == "none") {
        const auto room = table<std::byte>(passes.facts().largest_bytes, false);
        if (room.data() == nullptr) return false;
        null_heap heap(room.data());
        passes.run(heap);
        return true;
    }
    if (engine == "malloc") {
        malloc_heap heap;
        passes.run(heap);
        return true;
    }
    return replay_on_strategy(engine, passes);
}

bool work(char** argument) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a replay that nobody waits for must end
    const shared_bytes script(script_descriptor, false);
    const shared_bytes outcome(outcome_descriptor, true);
    const shared_bytes ticks(ticks_descriptor, true);
    replay_passes::tables with;
    std::memcpy(&with.facts, script.data(), sizeof with.facts);
    const auto steps = std::min<std::uint64_t>(with.facts.steps, std::strtoull(argument[4], nullptr, 10));
    with.steps = {reinterpret_cast<const replay_step*>(script.data() + steps_offset), steps};
    with.slots = table<replay_slot>(with.facts.slots, true);
    with.generations = table<std::uint32_t>(with.facts.slots, true);
    with.ticks = {reinterpret_cast<std::uint32_t*>(ticks.data()), ticks.size() / sizeof(std::uint32_t)};
    if (with.slots.data() == nullptr || with.generations.data() == nullptr) return false;

    const auto which = static_cast<replay_pass>(std::atoi(argument[1]));
    const auto touch = static_cast<replay_touch>(std::atoi(argument[2]));
    const double ns_per_tick = which == replay_pass::latency ? nanoseconds_per_tick() : 0;
    replay_passes passes(with, which, touch, std::strtoull(argument[3], nullptr, 10) * 1'000'000);
    if (!run_engine(argument[0], passes)) return false;
    replay_outcome told = passes.outcome();
    told.ns_per_tick = ns_per_tick;
    std::memcpy(outcome.data(), &told, sizeof told);
    return true;
}

}  // namespace

int replay_worker(int count, char** arguments) {
    if (count != 5) return 2;
    try {
        return work(arguments) ? 0 : 1;
    } catch (const std::exception&) {
        return 1;  // the outcome stays `died`
    }
}

}  // namespace ashlar::app
