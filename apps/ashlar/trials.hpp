// apps/ashlar/trials.hpp - run the program itself, under each of some mallocs in turn, and measure it.
//
// Layer:      apps/ashlar
// Source:     Georges, Buytaert, Eeckhout (alternate, repeat, give the spread).
// Picture:    ashlar -> ashlar-launch (static, small) -> program       wait4: wall, user, system, peak RSS
// Complexity: a run of the program for each malloc a round.
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
    std::string tunables{};  ///< of the C library, GLIBC_TUNABLES: for comparison alone, as no malloc of itself does it
};

/// The runs under one malloc, round by round.
struct trial_kind {
    std::string name;
    trial_malloc under;
    std::vector<double> wall, cpu, memory;
};

class trials {
public:
    explicit trials(const std::vector<std::string>& program) : program_(program) {}

    trial_cost run(const trial_malloc& under) const;

    /// Rounds of one run of each kind; each round begins with another one.
    void alternate(std::vector<trial_kind>& kinds, unsigned rounds, const std::function<void(unsigned)>& progress);

    std::vector<ending> endings;  ///< of all runs

private:
    std::vector<std::string> program_;
};

}  // namespace ashlar::app
