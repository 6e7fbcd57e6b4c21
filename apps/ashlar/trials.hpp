// apps/ashlar/trials.hpp - run the program itself, alternately as it is and under a choice, and measure it.
//
// Layer:      apps/ashlar
// Source:     Georges, Buytaert, Eeckhout (alternate, repeat, give the spread).
// Picture:    ashlar -> ashlar-launch (static, small) -> program       wait4: wall, user, system, peak RSS
// Complexity: two runs of the program a round.
// Failure:    throws app::failure if the launcher cannot work; how the program ends is part of the result.
// Threads:    main's thread.
// Checked by: tests/tool/tune_test.py
//
// A child's peak RSS counts that of the image it was made from, so the program is not started from here but from a
// launcher of less than a mebibyte. Runs get no terminal: output goes nowhere, input is the file that ours is, or
// nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ashlar/observe/advice_trial.hpp"
#include "process.hpp"

namespace ashlar::app {

/// What one run of the program cost. Times in nanoseconds, memory in bytes.
struct trial_cost {
    double wall = 0;
    double cpu = 0;
    double peak_memory = 0;
    ending how;
};

/// The malloc and conf to run under; both "" for the program as it is.
struct trial_malloc {
    std::string library;
    std::string conf_file;
};

class trials {
public:
    explicit trials(const std::vector<std::string>& program) : program_(program) {}

    trial_cost run(const trial_malloc& under) const;

    /// Rounds of one run as it is and one under the choice, which changes its place in every round.
    void alternate(const trial_malloc& choice, unsigned rounds, const std::function<void(unsigned)>& progress);

    trial_metric wall, cpu, memory;
    std::vector<ending> endings;  ///< of all runs

private:
    void add(const trial_cost& cost, bool choice);

    std::vector<std::string> program_;
};

}  // namespace ashlar::app
