// apps/ashlar/start_up.hpp - what a malloc costs in memory before the program has asked for anything.
//
// Layer:      apps/ashlar
// Picture:    peak RSS of `sh -c :` with the malloc preloaded, less that of the same without
// Complexity: three runs of a few milliseconds for each malloc.
// Failure:    0 where the shell cannot be run under it; throws app::failure if the launcher is missing.
// Threads:    main's thread.
// Checked by: tests/tool/replay_test.py
//
// A library that is preloaded brings its pages, its tables, and the libraries that it is linked with: tcmalloc 5 MiB,
// of which the C++ library is 1. A program that has that library anyway does not pay for it twice, so both runs are given
// what the program has of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "replay_engines.hpp"

namespace ashlar::app {

/// Those libraries of the C++ run time that the executable brings along. None where it cannot be told.
std::vector<std::string> run_time_libraries(const std::string& executable);

class start_up {
public:
    explicit start_up(const std::vector<std::string>& libraries);

    /// Bytes resident beyond those of a program on its own malloc.
    std::uint64_t bytes_of(const replay_engine& engine) const;

private:
    double peak(const std::string& library, const std::string& conf) const;

    std::string libraries_;  ///< as LD_PRELOAD wants them
    double alone_ = 0;
};

}  // namespace ashlar::app
