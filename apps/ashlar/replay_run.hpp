// apps/ashlar/replay_run.hpp - replay one script on many engines, each pass in a process of its own.
//
// Layer:      apps/ashlar
// Source:     Paoloni (minimum of repeats per operation); Hampel (median and its spread).
// Picture:    trace -> script -> [memory] [placement] [check] [time x R, engines alternating] [latency x R] -> figures
// Complexity: engines x (3 + 2 R) passes.
// Failure:    what an engine cannot serve is in its figures; throws app::failure only for the trace and the machine.
// Threads:    main's thread; one worker runs at a time, because two would disturb each other's times.
// Checked by: tests/tool/replay_test.py
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ashlar/observe/offline_packing.hpp"
#include "ashlar/observe/replay_loop.hpp"
#include "ashlar/observe/replay_script.hpp"
#include "ashlar/observe/trace_reader.hpp"
#include "replay_engines.hpp"
#include "replay_order.hpp"
#include "shared_file.hpp"

namespace ashlar::app {

/// Who does the steps of a trace of several threads.
enum class replay_threads_mode : std::uint32_t {
    serial,    ///< one thread, in the order they happened
    recorded,  ///< as many threads as then, each its own, waiting for one another where a block crosses
    one,       ///< the blocks of the busiest thread alone, by one
};

struct replay_options {
    std::uint32_t rounds = 5;
    std::uint64_t limit = 64'000'000;         ///< steps; what comes after is left out, and that is said
    std::uint64_t timed = 4'000'000;          ///< of these, the steps whose times are taken
    std::uint64_t seconds = 20;               ///< for one pass of one engine
    replay_touch touch = replay_touch::pages;
    bool latency = true;
    bool check = true;
    replay_threads_mode threads = replay_threads_mode::serial;
    bool littered = false;                    ///< the heap is filled and perforated before the trace
    std::uint64_t seed = 1;                   ///< of the litter
    bool placement = false;                   ///< where the blocks lie: fragmentation, lines, the film

    /// The least of so many rounds is a step's latency.
    std::uint32_t latency_rounds() const { return rounds < 3 ? rounds : 3; }
    std::uint64_t timed_of(const replay_facts& facts) const {
        return threads == replay_threads_mode::recorded || timed >= facts.steps - facts.lead_in ? facts.steps : timed + facts.lead_in;
    }
    /// Of the steps whose time is taken, those that ask the heap for something.
    std::uint64_t operations_of(const replay_facts& facts) const { return timed_of(facts) - facts.lead_in - facts.awaits; }
};

/// What one engine did. Times in nanoseconds, without those of the replay itself; sizes in bytes.
struct replay_figures {
    replay_engine engine;
    std::string refused;  ///< why it could not serve the trace; "" if it could, and then the figures hold
    double ns_per_op = 0;
    double ns_spread = 0;
    std::vector<double> ns_rounds{};  ///< an operation in each round, less the least of the replay itself
    double wall_ns_per_op = 0;  ///< by the clock, with all threads at work
    double p50 = 0;
    double p99 = 0;
    double p999 = 0;
    double p9999 = 0;
    double worst = 0;
    std::uint64_t start_memory = 0;   ///< resident before the first step, beyond that of a program on its own malloc
    std::uint64_t peak_footprint = 0; ///< what the steps added to it, at its greatest
    std::uint64_t end_footprint = 0;
    double peak_footprint_ratio = 0;  ///< peak footprint over the greatest live bytes
    std::uint64_t page_faults = 0;

    /// What the malloc adds to the resident memory of the program, at its greatest.
    std::uint64_t peak_resident() const { return start_memory + peak_footprint; }
    std::shared_ptr<const replay_sights> sights{};  ///< null unless options.placement
};

/// A trace, ready to be replayed any number of times.
class replay_script {
public:
    /// Takes the events from where the reader is. Fails if there is nothing to replay, or if there are too many threads.
    replay_script(trace_reader& trace, const std::string& name, const replay_options& options);
    /// The same steps, those that grant a block marked with the route that serves it, in their order, or none (site_study.hpp).
    /// For engines of the group "sites" alone.
    replay_script(const replay_script& base, std::span<const std::uint8_t> routes);

    /// Of what is timed.
    const replay_facts& facts() const { return streams_facts_.steps > 0 ? streams_facts_ : facts_; }
    /// Those of the C++ run time that the recorded program had: a malloc that needs them brings none of its own.
    const std::vector<std::string>& libraries() const { return libraries_; }
    /// Bounds of the memory that any allocator needs for it.
    packing_bounds packing() const;
    /// The steps of one thread; or, if they are to be done by many, those.
    int descriptor(bool serial) const { return serial || streams_facts_.steps == 0 ? file_.descriptor() : streams_file_.descriptor(); }

private:
    void rearrange(const std::string& name, const replay_options& options);

    shared_file file_;
    replay_facts facts_;
    shared_file streams_file_;
    replay_facts streams_facts_;
    std::vector<std::string> libraries_;
};

/// Called before each pass: what is done next, and which share of all passes is done.
using replay_progress = std::function<void(const std::string& engine, double share)>;

std::vector<replay_figures> replay_on(const replay_script& script, const std::vector<replay_engine>& engines,
                                      const replay_options& options, const replay_progress& progress);

}  // namespace ashlar::app
