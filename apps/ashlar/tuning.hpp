// apps/ashlar/tuning.hpp - the whole way for one program: from its first run to a verdict that its own runs support.
//
// Layer:      apps/ashlar
// Picture:    record -> summary -> replay on every engine -> advise -> the program, A B A B ... -> verdict -> files
// Complexity: about 2 x runs + 2 runs of the program, and the replays.
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
#include "trials.hpp"

namespace ashlar::app {

struct tuning_options {
    std::string folder = "out";
    unsigned runs = 5;
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
    nlohmann::json trial_section() const;
    std::string table() const;
    std::string differing_endings() const;
    std::string in_folder(const char* file) const;

    std::vector<std::string> program_;
    tuning_options options_;
    std::unique_ptr<recording> recording_;
    ending recorded_;
    std::string title_;
    std::unique_ptr<summary> about_;
    nlohmann::json trace_section_;
    replay_facts facts_;
    std::vector<replay_figures> figures_;
    advice advice_;
    std::size_t tried_ = 0;  ///< which of the advice's candidates the program was run under
    trials trials_;
    trial_result result_;
    bool adopted_ = false;
    std::string verdict_;
};

}  // namespace ashlar::app
