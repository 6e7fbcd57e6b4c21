// apps/ashlar/tuning.hpp - the whole way for one program: from its first run to a verdict that its own runs support.
//
// Layer:      apps/ashlar
// Picture:    record -> summary -> replay on every engine -> advise -> the program, A B C A B C ... -> verdict -> files
// Complexity: about kinds x runs + 2 runs of the program, and the replays.
// Failure:    throws app::failure before the program is started if the output folder cannot be used; a program that
//             is killed while recorded ends the tool the same way; one that behaves differently under the choice
//             is told about, and the choice is not adopted.
// Threads:    main's thread.
// Invariants: tuning.I1  a choice is adopted only if the program's own runs gained (observe/advice_trial.hpp)
// Checked by: tests/tool/tune_test.py
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "advisor.hpp"
#include "recording.hpp"
#include "shared_file.hpp"
#include "tuning_verdict.hpp"
#include "trials.hpp"

namespace ashlar::app {

struct tuning_options {
    std::string folder = "out";
    unsigned runs = 6;
    bool all = false;       ///< the program is run under every candidate, not only under the two that are expected to be best
    std::string engines;    ///< that the replay shows, separated by commas; "" for all
    std::string train;      ///< what stands for {} in the program's words while it is recorded; "" if there is no {}
    std::string test;       ///< and while it is measured
    advice_settings advice;

    /// An engine that needs more than this for one pass of a program's trace is no candidate for it.
    tuning_options() { advice.replay.seconds = 8; }
};

class tuning {
public:
    /// Checks the program and the folder.
    tuning(const std::vector<std::string>& program, const tuning_options& options);

    /// Does it all, tells on the way what it does, and writes the files. `quiet` leaves stdout to the caller.
    void run(bool quiet);

    nlohmann::json json() const;

private:
    void record(bool quiet);
    void study(bool quiet);
    void try_out();
    void conclude();
    void write();
    std::vector<std::size_t> candidates_to_run() const;
    std::string differing_endings() const;
    std::string in_folder(const char* file) const;
    std::string note() const;

    std::vector<std::string> trained_;  ///< the program and its arguments, as it is recorded
    std::vector<std::string> tested_;   ///< and as it is measured
    tuning_options options_;
    std::unique_ptr<recording> recording_;
    ending recorded_;
    std::string title_;
    std::unique_ptr<summary> about_;
    nlohmann::json trace_section_;
    nlohmann::json replay_section_;
    advice advice_;
    std::vector<std::size_t> tried_;  ///< which of the advice's candidates the program was run under; the default first
    std::vector<shared_file> confs_;
    trials trials_;
    std::vector<trial_kind> kinds_;
    tuning_verdict verdict_;
};

}  // namespace ashlar::app
