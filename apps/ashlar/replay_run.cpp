// See replay_run.hpp.
#include "replay_run.hpp"

#include <sys/personality.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include <fmt/core.h>

#include "ashlar/observe/replay_statistics.hpp"
#include "failure.hpp"
#include "process.hpp"
#include "start_up.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

std::span<const std::byte> bytes_of(const auto& value) { return std::as_bytes(std::span(&value, 1)); }

/// What is started meanwhile lies at the same addresses in every run, where the system lets us ask for that.
class same_addresses {
public:
    same_addresses() : before_(personality(0xffffffff)) {
        if (before_ != -1) personality(static_cast<unsigned long>(before_) | ADDR_NO_RANDOMIZE);
    }
    ~same_addresses() {
        if (before_ != -1) personality(static_cast<unsigned long>(before_));
    }
    same_addresses(const same_addresses&) = delete;
    same_addresses& operator=(const same_addresses&) = delete;

private:
    int before_;
};

/// Whom refusals and faults are explained to: knows the script's sizes.
class explainer {
public:
    explicit explainer(const replay_script& script) : script_(script), serial_(script.descriptor(true), false), steps_(script.descriptor(false), false) {}

    std::string text(const replay_outcome& outcome, const ending& how, std::uint64_t seconds, bool serial) const {
        const std::string where = script_.facts().streams > 0 && !serial ? "in one of the threads" : fmt::format("at step {} ({})", count_text(outcome.step + 1),
                                              share_text(static_cast<double>(outcome.step), static_cast<double>(script_.facts().steps)));
        switch (outcome.state) {
            case outcome_state::done: return "";
            case outcome_state::refused: return fmt::format("refused {} {}", bytes_text(size_at(serial ? serial_ : steps_, outcome.step)), where);
            case outcome_state::too_slow: return fmt::format("too slow: in {} s of processor time only {} of the steps", seconds,
                                                             share_text(static_cast<double>(outcome.step), static_cast<double>(script_.facts().steps)));
            case outcome_state::faulty: return fmt::format("wrong: {} {}", fault_text(outcome.fault), where);
            case outcome_state::died: break;
        }
        return how.by_signal ? "crashed: " + describe(how) : "could not be started here";
    }

private:
    static double size_at(const shared_bytes& steps, std::uint64_t step) {
        replay_step found;
        std::memcpy(&found, steps.data() + steps_offset + step * sizeof found, sizeof found);
        return static_cast<double>(found.size);
    }
    static const char* fault_text(replay_fault fault) {
        switch (fault) {
            case replay_fault::none: break;
            case replay_fault::misaligned: return "a misaligned block";
            case replay_fault::not_zeroed: return "a zeroed block that is not zero";
            case replay_fault::not_kept: return "a reallocation that lost contents";
            case replay_fault::overwritten: return "a live block was overwritten";
        }
        return "nothing";
    }

    const replay_script& script_;
    shared_bytes serial_;
    shared_bytes steps_;
};

class replayer {
public:
    replayer(const replay_script& script, const replay_options& options)
        : script_(script), options_(options), explain_(script) {
        outcome_.resize(sizeof(replay_outcome));
        sights_.resize(sizeof(replay_sights));
        if (options.latency) ticks_.resize(options.timed_of(script.facts()) * sizeof(std::uint32_t));
    }

    /// @returns the outcome; `refused` says why if it is not `done`
    replay_outcome pass(const replay_engine& engine, replay_pass which, bool serial, std::string& refused) {
        outcome_.write_at(0, bytes_of(replay_outcome{}));
        const std::uint64_t seconds = which == replay_pass::check ? 4 * options_.seconds : options_.seconds;
        environment variables;
        variables.remove("LD_PRELOAD");
        variables.remove("ASHLAR_CONF");
        variables.remove("ASHLAR_OPTIONS");
        if (!engine.library.empty()) variables.preload(engine.library);
        shared_file conf;
        if (!engine.conf.empty()) {
            conf.append(std::as_bytes(std::span(engine.conf)));
            variables.set("ASHLAR_CONF", fmt::format("/proc/self/fd/{}", conf_descriptor));
        }
        const std::string in_worker = engine.group == "strategy" || engine.group == "none" ? engine.name : engine.group == "sites" ? "sites" : "malloc";
        const std::vector<std::string> words{"ashlar", worker_command, in_worker, std::to_string(static_cast<unsigned>(which)),
                                             std::to_string(static_cast<unsigned>(options_.touch)), std::to_string(seconds * 1000),
                                             std::to_string(steps_of(which))};
        start_options how;
        how.in_our_place = false;
        how.descriptors = {{script_.descriptor(serial), script_descriptor}, {outcome_.descriptor(), outcome_descriptor},
                           {ticks_.descriptor(), ticks_descriptor}, {conf.descriptor(), conf_descriptor},
                           {sights_.descriptor(), sights_descriptor}};
        // A single step that never ends is not seen by the worker's own clock.
        // The link and not the path: a tool that is rebuilt meanwhile goes on as it began.
        const pid_t worker = [&] {
            const same_addresses here;
            return start("/proc/self/exe", words, variables, how);
        }();
        const ending end = wait_at_most(worker, seconds * 10'000 + 10'000);
        const shared_bytes told(outcome_.descriptor(), false);
        replay_outcome outcome;
        std::memcpy(&outcome, told.data(), sizeof outcome);
        refused = explain_.text(outcome, end, seconds, serial);
        return outcome;
    }

    void forget_ticks() {
        const std::vector<std::byte> all(1 << 16, std::byte{0xff});
        const std::size_t size = options_.timed_of(script_.facts()) * sizeof(std::uint32_t);
        for (std::size_t at = 0; at < size; at += all.size()) ticks_.write_at(at, std::span(all).first(std::min(all.size(), size - at)));
    }

    void forget_sights() {
        sights_.resize(0);
        sights_.resize(sizeof(replay_sights));
    }
    std::shared_ptr<const replay_sights> sights() const {
        const shared_bytes all(sights_.descriptor(), false);
        auto copy = std::make_shared<replay_sights>();
        std::memcpy(static_cast<void*>(copy.get()), all.data(), sizeof *copy);
        return copy;
    }

    std::vector<std::uint32_t> ticks() const {
        const shared_bytes all(ticks_.descriptor(), false);
        std::vector<std::uint32_t> copy(all.size() / sizeof(std::uint32_t));
        std::memcpy(copy.data(), all.data(), all.size());
        std::erase(copy, UINT32_MAX);  // of litter, and of waits
        return copy;
    }

private:
    /// Memory and correctness are looked at over the whole script; times over a part of it if it is long.
    std::uint64_t steps_of(replay_pass which) const {
        const bool timed = which == replay_pass::time || which == replay_pass::latency;
        return timed ? options_.timed_of(script_.facts()) : UINT64_MAX;
    }

    const replay_script& script_;
    const replay_options& options_;
    explainer explain_;
    shared_file outcome_;
    shared_file ticks_;
    shared_file sights_;
};

/// The passes over all engines, in the order that keeps comparisons fair.
class tournament {
public:
    tournament(const replay_script& script, const std::vector<replay_engine>& engines, const replay_options& options,
               const replay_progress& progress)
        : script_(script), options_(options), progress_(progress), replayer_(script, options) {
        for (const auto& engine : engines) figures_.push_back({.engine = engine, .refused = ""});
        total_ = static_cast<double>((engines.size() + 1) * (options.rounds + (options.latency ? options.latency_rounds() : 0)) +
                                     engines.size() * (1u + (options.check ? 1u : 0u) + (options.placement ? 1u : 0u)));
    }

    std::vector<replay_figures> run() {
        for (auto& engine : figures_) measure_memory(engine);
        if (options_.check) {
            for (auto& engine : figures_) pass(engine, replay_pass::check);
        }
        measure_times();
        if (options_.latency) {
            const auto baseline = latencies(null_);
            for (auto& engine : figures_) measure_latency(engine, baseline.p50);
        }
        return std::move(figures_);
    }

private:
    struct quantiles {
        double p50 = 0, p99 = 0, p999 = 0, p9999 = 0, worst = 0;
    };

    /// Does a pass unless the engine has failed before. @returns its outcome; not `done` if it failed
    replay_outcome pass(replay_figures& figures, replay_pass which, bool serial = false) {
        progress_(figures.engine.name, done_++ / total_);
        if (!figures.refused.empty()) return {};
        std::string refused;
        const auto outcome = replayer_.pass(figures.engine, which, serial, refused);
        figures.refused = refused;
        return outcome;
    }

    void measure_memory(replay_figures& figures) {
        replayer_.forget_sights();
        const auto outcome = pass(figures, replay_pass::footprint);
        figures.peak_footprint = outcome.peak_footprint;
        figures.end_footprint = outcome.end_footprint;
        figures.page_faults = outcome.page_faults;
        figures.start_memory = start_up_.bytes_of(figures.engine);
        figures.peak_footprint_ratio =
            static_cast<double>(outcome.peak_footprint) / static_cast<double>(std::max<std::uint64_t>(1, script_.facts().peak_bytes));
        if (!options_.placement) return;
        if (script_.facts().streams > 0) pass(figures, replay_pass::footprint, true);
        pass(figures, replay_pass::placement, true);
        figures.sights = replayer_.sights();
    }

    /// Round by round through all engines, so that a slow moment of the machine meets all alike.
    void measure_times() {
        std::vector<std::vector<double>> times(figures_.size() + 1), walls(figures_.size() + 1);
        const auto steps = static_cast<double>(options_.operations_of(script_.facts()));
        for (std::uint32_t round = 0; round < options_.rounds; ++round) {
            for (std::size_t i = 0; i <= figures_.size(); ++i) {
                auto& figures = i == 0 ? null_ : figures_[i - 1];
                if (hopeless(times, i)) continue;
                const auto outcome = pass(figures, replay_pass::time);
                if (outcome.state != outcome_state::done) continue;
                times[i].push_back(static_cast<double>(outcome.nanoseconds) / steps);
                walls[i].push_back(static_cast<double>(outcome.wall_nanoseconds) / steps);
            }
        }
        const double baseline = median(times[0]);
        const double least_baseline = times[0].empty() ? 0 : *std::min_element(times[0].begin(), times[0].end());
        for (std::size_t i = 0; i < figures_.size(); ++i) {
            figures_[i].ns_per_op = std::max(0.0, median(times[i + 1]) - baseline);
            figures_[i].ns_spread = spread(times[i + 1]);
            for (const double ns : times[i + 1]) figures_[i].ns_rounds.push_back(ns - least_baseline);
            figures_[i].wall_ns_per_op = std::max(0.0, median(walls[i + 1]) - median(walls[0]));
        }
    }

    /// A whole order of magnitude slower than the best in its first round: that needs no second one.
    static bool hopeless(const std::vector<std::vector<double>>& times, std::size_t engine) {
        if (times[engine].empty() || engine == 0) return false;
        double best = times[engine].front();
        for (std::size_t i = 1; i < times.size(); ++i) {
            if (!times[i].empty()) best = std::min(best, times[i].front());
        }
        return times[engine].front() > 10 * best;
    }

    quantiles latencies(replay_figures& figures) {
        replayer_.forget_ticks();
        double ns_per_tick = 0;
        for (std::uint32_t round = 0; round < options_.latency_rounds(); ++round) {
            const auto outcome = pass(figures, replay_pass::latency);
            if (outcome.state != outcome_state::done) continue;
            ns_per_tick = outcome.ns_per_tick;
        }
        if (!figures.refused.empty()) return {};
        auto ticks = replayer_.ticks();
        const auto at = [&](double share) { return percentile(ticks, share) * ns_per_tick; };
        return {at(0.5), at(0.99), at(0.999), at(0.9999), at(1.0)};
    }

    void measure_latency(replay_figures& figures, double baseline) {
        const auto found = latencies(figures);
        figures.p50 = std::max(0.0, found.p50 - baseline);
        figures.p99 = std::max(0.0, found.p99 - baseline);
        figures.p999 = std::max(0.0, found.p999 - baseline);
        figures.p9999 = std::max(0.0, found.p9999 - baseline);
        figures.worst = std::max(0.0, found.worst - baseline);
    }

    const replay_script& script_;
    const replay_options& options_;
    const replay_progress& progress_;
    replayer replayer_;
    start_up start_up_{script_.libraries()};
    replay_figures null_{.engine = null_engine(), .refused = ""};
    std::vector<replay_figures> figures_;
    double done_ = 0;
    double total_ = 1;
};

}  // namespace

std::vector<replay_figures> replay_on(const replay_script& script, const std::vector<replay_engine>& engines,
                                      const replay_options& options, const replay_progress& progress) {
    return tournament(script, engines, options, progress).run();
}

}  // namespace ashlar::app
