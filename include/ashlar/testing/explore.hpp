// ashlar/testing/explore.hpp - every order in which a few threads may take their steps, and everything they may see: a model checker.
//
// Layer:      testing
// Source:     Norris, Demsky, "CDSchecker: checking concurrent data structures written with C/C++ atomics", OOPSLA 2013.
// Complexity: explorer.hpp; two or three threads of some ten steps take milliseconds to seconds.
// Failure:    the verdict is a value: exploration.
// Threads:    one; those of the scenario are fibers.
// Checked by: tests/testing/explore_test.cpp
//
//   struct two_increments {                                        // a scenario: made anew for every execution
//       static constexpr unsigned threads = 2;
//       explored_atomics::atomic<int> n{0};
//       void run(unsigned) { n.store(n.load() + 1); }              // of each thread
//       void finish() { expect(n.load() == 2, "both counted"); }   // when all have ended; may be left out
//   };
//   const exploration seen = explore<two_increments>();            // !seen.ok(), and seen.text() has the schedule
//
// It finds failed expect(), broken contracts, data races on plain words, threads that wait for each other for ever. It shows all
// executions that C++20 allows in which threads' own order and what they read make no cycle; each store takes any place in
// its word's order that coherence allows, and seq_cst steps have one order by the standard's axioms.
// It does not show loads that read what is stored later because of them (load buffering, out-of-thin-air values); failures of
// compare_exchange_weak without a cause; consume; words of mixed size. A seq_cst fence orders fences and what is read behind
// them, not the seq_cst accesses of other words: there more is shown than is allowed.
//
// A scenario keeps all that its threads share in itself, without static variables, in atomics and plains of explored_atomics, and
// does the same whenever it is repeated. A thread that waits calls pause(). When an execution is cut or fails nothing is destroyed.
#pragma once

#include <source_location>
#include <type_traits>

#include "ashlar/testing/explored_atomics.hpp"

namespace ashlar::testing {

template <class S>
concept explorable = std::is_default_constructible_v<S> && (S::threads > 0) && (S::threads <= most_threads) &&
                     requires(S s, unsigned thread) { s.run(thread); };

/// What must be so, in a thread of a scenario or when it finishes.
inline void expect(bool is_so, const char* what, const std::source_location& where = std::source_location::current()) {
    explorer* const e = explorer::running();
    if (is_so || e == nullptr) return;
    e->fail("expected: ", what, where.file_name(), where.line());
}

namespace detail {
template <class S>
scenario_type scenario_of() {
    return {S::threads,
            sizeof(S),
            alignof(S),
            [](void* at) { ::new (at) S(); },
            [](void* at, unsigned thread) { static_cast<S*>(at)->run(thread); },
            [](void* at) {
                if constexpr (requires(S s) { s.finish(); }) static_cast<S*>(at)->finish();
            },
            [](void* at) { static_cast<S*>(at)->~S(); }};
}
/// A failure again: in one memory that all see alike if it is found so, by the fewest interruptions, then the fewest steps,
/// as far as a short search finds it.
inline exploration explore_shortest(const scenario_type& scenario, explore_options options, const exploration& found) {
    exploration best = found;
    const explore_options asked = options;
    options.most_executions = 10'000;
    for (unsigned way = 0; way < 8; ++way) {
        options.sequential = way < 4;
        options.preemptions = way % 4;
        if (options.preemptions > asked.preemptions || options.sequential < asked.sequential) continue;
        explorer e(scenario, options);
        e.seeks_shortest = true;
        const exploration simpler = e.run();
        if (simpler.failure.empty()) continue;
        best.failure = simpler.failure;
        best.name = simpler.name;
        break;
    }
    options.replay = best.name;
    explorer e(scenario, options);
    e.records = true;
    best.schedule = e.run().schedule;
    return best;
}
}  // namespace detail

/// Runs the scenario S in every way there is, up to the first failure.
template <explorable S>
exploration explore(const explore_options& options = {}) {
    const scenario_type scenario = detail::scenario_of<S>();
    explorer e(scenario, options);
    e.records = !options.replay.empty();
    const exploration found = e.run();
    const bool shall_shorten = !found.failure.empty() && options.shorten && options.replay.empty();
    return shall_shorten ? detail::explore_shortest(scenario, options, found) : found;
}

}  // namespace ashlar::testing
