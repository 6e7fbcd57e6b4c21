// apps/ashlar/recording.hpp - one run of a program with the recorder preloaded, and what came of it.
//
// Layer:      apps/ashlar
// Complexity: the program's own, and one pass over the trace for its summary.
// Failure:    throws app::failure, before the program is started, if it or the trace file cannot be used; what
//             goes wrong while recording does not disturb the program and is told by summary().
// Threads:    main's thread.
// Invariants: recording.I1  a file that is not a trace is never overwritten
// Checked by: tests/tool/record_test.py, tests/tool/bad_input_test.py
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "environment.hpp"
#include "process.hpp"

namespace ashlar::app {

struct recording_options {
    std::string file = "ashlar.trace";
    std::string malloc = "system";
    std::string conf;
    unsigned stacks = 0;  ///< frames to keep of each request's call stack; 0: none
    std::uint64_t sample = 0;  ///< bytes between samples; 0: everything
    bool maps = false;         ///< what the program maps, and libraries that it loads by itself
    bool compress = true;
    bool paused = false;       ///< unrecorded until somebody asks for it
};

class recording {
public:
    /// Checks that everything needed is there. Starts nothing, writes nothing.
    recording(const std::vector<std::string>& program, const recording_options& options);

    /// Runs the program to its end, its standard output going to a descriptor of ours, or staying as it is (-1).
    ending run(int output = -1);

    /// Packs the program's trace and its children's. @returns a sentence on what could not be packed, or ""
    std::string pack() const;

    /// What came of it, in one sentence or two: what was recorded and where, whether it is complete, or why there is nothing.
    struct outcome {
        std::string text;
        bool recorded;  ///< there is a trace, if perhaps of a program that asked for nothing
    };
    outcome summary() const;

private:
    std::string nothing_recorded() const;

    std::vector<std::string> program_;
    recording_options options_;
    std::string path_;
    std::string obstacle_;
    environment variables_;
    std::filesystem::file_time_type began_;
};

}  // namespace ashlar::app
