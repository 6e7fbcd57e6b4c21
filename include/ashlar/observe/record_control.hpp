// ashlar/observe/record_control.hpp - begin and end the recording of a running process, from outside.
//
// Layer:      observe
// Picture:    /tmp/ashlar-UID/PID    one page, mapped by the process and by who controls it; order: odd = record
//             controller: writes what is wanted, counts order up  ->  process: sees it at its next allocation, counts heeded up
// Complexity: a few system calls an order; in the process one look at the page for each allocation.
// Failure:    told in one sentence; the process is not disturbed.
// Threads:    one at a time; a second controller of the same process is refused.
// Invariants: record_control.I1  nobody but the process's user can reach the page: the folder is that user's alone, 0700
//             record_control.I2  the page is of the process that has this number now, not of an earlier one
// Checked by: tests/observe/record_control_test.cpp, tests/tool/attach_test.py
//
// There is no signal, no thread and no socket in the process: only this page. Programs with borrowed rights have none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ashlar {

/// What both sides share. Numbers are read and written as atomics.
struct control_page {
    static constexpr std::uint64_t expected_magic = 0x4C5254434C485341;  ///< "ASHLCTRL"
    static constexpr std::uint32_t expected_version = 1;

    std::uint64_t magic = 0;          ///< written last
    std::uint32_t version = 0;
    std::uint32_t process = 0;
    std::uint64_t process_start = 0;  ///< in the kernel's ticks since boot
    std::uint32_t order = 0;          ///< counts orders; odd: the process is to be recorded
    std::uint32_t heeded = 0;         ///< the last order that the process has carried out
    std::uint32_t error = 0;          ///< the errno number why it could not; it then took the order back
    std::uint32_t stack_depth = 0;    ///< of the order: frames to keep; 0: no stacks
    std::uint64_t sample_mean = 0;    ///< of the order: bytes between samples; 0: everything
    char trace[4096 - 48] = {};       ///< the order's file, absolute; then the file of the recording under way
};
static_assert(sizeof(control_page) == 4096);
static_assert(offsetof(control_page, order) == 24 && offsetof(control_page, trace) == 48);

/// The folder of this user's pages, made if it is not there. @returns "", with `why` saying why it cannot be trusted
std::string control_folder(std::string& why);

class controlled_process {
public:
    explicit controlled_process(std::uint32_t process);
    controlled_process(const controlled_process&) = delete;
    controlled_process& operator=(const controlled_process&) = delete;
    ~controlled_process();

    /// @returns "" or one sentence why there is nothing to control
    const std::string& error() const noexcept { return error_; }

    /// The rest needs error() to be "".
    bool is_alive() const;
    bool is_recording() const;
    /// The file of the recording under way, or of the last one.
    std::string trace() const;
    /// Whether the process has carried out the last order.
    bool has_heeded() const;
    /// Why it could not carry it out, as an errno number; 0: it could.
    int refusal() const;

    /// Asks for a recording. @returns "" or why that cannot be asked
    std::string begin(const std::string& trace, std::uint32_t stack_depth, std::uint64_t sample_mean);
    void end();

private:
    std::uint32_t process_;
    int file_ = -1;
    control_page* page_ = nullptr;
    std::string error_;
};

}  // namespace ashlar
