// ashlar/observe/trace_import.hpp - traces out of what other tools have recorded.
//
// Layer:      observe
// Source:     heaptrack 1.4's raw data (libheaptrack.cpp); glibc's mtrace(3); Valgrind's --trace-malloc=yes; the .rep files
//             of the malloc lab of Bryant and O'Hallaron, "Computer Systems: A Programmer's Perspective".
// Picture:    text, line by line -> the importer of its format -> events -> trace_writer
// Complexity: O(1) a line. Memory: what a format numbers (blocks of .rep, stacks of heaptrack).
// Failure:    import_outcome::error says it in one sentence; then no file is left.
// Threads:    one at a time. These formats know no threads: all is thread 0's.
// Checked by: tests/observe/trace_import_test.cpp, tests/tool/import_test.py
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace ashlar {

enum class foreign_format : std::uint8_t { unknown, heaptrack, mtrace, valgrind, rep };

/// @returns the name of the tool, for people
std::string_view name(foreign_format) noexcept;

/// @returns whose recording begins so. @pre `beginning` holds the first lines whole, some hundred if there are so many
foreign_format recognise(std::string_view beginning) noexcept;

struct import_outcome {
    foreign_format format = foreign_format::unknown;
    std::uint64_t events = 0;
    std::uint64_t unread_lines = 0;  ///< which the format does not know; of valgrind's, what the program printed itself
    std::uint64_t first_unread = 0;  ///< the number of the first one, from 1
    std::string error;               ///< "" when a trace was written
};

/// Reads to the end of `from` and writes the trace `path`, which must not exist. `input` is how the trace names the
/// program if the recording does not. Times are heaptrack's to 10 ms, of the others an event takes a microsecond.
/// `told` is called now and then with the bytes read.
import_outcome import_trace(std::istream& from, const std::string& input, const std::string& path,
                            const std::function<void(std::uint64_t)>& told = {});

}  // namespace ashlar
