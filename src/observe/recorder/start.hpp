// src/observe/recorder/start.hpp - where this process records to.
//
// Layer:      observe
// Source:     docs/trace_format.md, files.
// Picture:    ASHLAR_TRACE=T   the first process: T;  every other: T.PID
//             after exec       the same process: its earlier file moves to T.1, T.2, ... and T is the new program's
// Complexity: some twenty system calls, once per process.
// Failure:    no file: one sentence on standard error, and the program runs on unrecorded.
// Threads:    one at a time.
// Invariants: start.I1  a file that exists is never emptied or written over: another process may be writing to it by
//                       memory, and would die of a shorter file
// Checked by: tests/observe/recorder
#pragma once

#include <cstring>

#include "../trace_file.hpp"

namespace ashlar::recorder {

enum class start_result : std::uint8_t {
    on,
    off,        ///< nothing to record to, now and later
    too_early,  ///< the C library has not read the environment yet
};

/// Text put together in place: there is no allocator to ask. Static ones are used: a thread's stack may be small.
struct text {
    static constexpr std::size_t room = trace_file::path_limit;
    char bytes[room] = {};
    std::size_t length = 0;
    bool whole = true;

    text& operator<<(const char* s) noexcept {
        const std::size_t n = std::strlen(s);
        if (n >= room - length) {
            whole = false;
            return *this;
        }
        std::memcpy(bytes + length, s, n + 1);
        length += n;
        return *this;
    }
    text& operator<<(std::uint32_t value) noexcept {
        char digits[12];
        char* at = digits + sizeof digits;
        *--at = 0;
        do *--at = static_cast<char>('0' + value % 10);
        while ((value /= 10) != 0);
        return *this << at;
    }
};

/// @returns the variable's value or null
const char* from_environment(const char* name) noexcept;

/// What is to be recorded, and where to.
struct wish {
    const char* path = nullptr;  ///< absolute; null: where the environment says
    std::uint32_t stack_depth = 0;
    std::uint64_t sample_mean = 0;
    bool maps = false;  ///< mappings and libraries, too
};
/// What the environment says.
wish wished_at_start() noexcept;

/// Opens the process's trace. forked: the process this one was forked from has the name already. error: why it is off, if it
/// could be opened another time
start_result open_trace(trace_file& file, const wish& what, bool forked, int& error) noexcept;

}  // namespace ashlar::recorder
