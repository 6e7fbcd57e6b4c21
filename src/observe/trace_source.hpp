// src/observe/trace_source.hpp - the bytes of a trace: a file, or memory.
//
// Layer:      observe
// Complexity: read() is one system call for a file. A file is read and not mapped: if it shrinks under a mapping,
//             the reader dies of it; here it is a short read.
// Failure:    open() gives an errno number; read() gives fewer bytes.
// Threads:    one at a time.
// Checked by: tests/observe/trace_reader_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ashlar {

class trace_source {
public:
    explicit trace_source(std::span<const std::byte> bytes) noexcept : bytes_(bytes), size_(bytes.size()) {}
    /// Opens the file. error is 0, or the errno number and the source is empty.
    trace_source(const char* path, int& error) noexcept;
    trace_source(const trace_source&) = delete;
    trace_source& operator=(const trace_source&) = delete;
    ~trace_source();

    /// The size when it was opened: what is read lies below it.
    std::uint64_t size() const noexcept { return size_; }
    std::uint64_t size_now() const noexcept;
    /// Nobody else may be writing to it. @returns as trace_system::hold_alone @pre it is a file
    int hold_alone() const noexcept;
    std::size_t read(std::uint64_t offset, void* to, std::size_t size) const noexcept;
    /// @returns where the next bytes that may differ from zero are, at or after `offset`; size() if nowhere
    std::uint64_t next_data(std::uint64_t offset) const noexcept;

private:
    std::span<const std::byte> bytes_;
    std::uint64_t size_ = 0;
    int file_ = -1;
};

}  // namespace ashlar
