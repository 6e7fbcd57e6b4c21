// apps/ashlar/shared_file.hpp - bytes without a name that this process and its workers see alike.
//
// Layer:      apps/ashlar
// Source:     memfd_create(2): nothing is left behind, however a process ends.
// Complexity: a few system calls.
// Failure:    throws app::failure where there is no memory for it.
// Threads:    the bytes are shared; one process writes at a time.
// Checked by: tests/tool/replay_test.py
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace ashlar::app {

class shared_file {
public:
    /// An empty file.
    shared_file();
    shared_file(shared_file&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    shared_file& operator=(shared_file&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~shared_file();

    int descriptor() const { return fd_; }
    void resize(std::size_t size);
    void append(std::span<const std::byte> bytes);
    void write_at(std::size_t offset, std::span<const std::byte> bytes);

private:
    int fd_ = -1;
};

/// The whole of a shared file, mapped. Made by the process that created it and by workers that inherit it.
class shared_bytes {
public:
    /// `writable` false maps it for reading. Every page is there at once: no fault later falls into a measurement.
    shared_bytes(int descriptor, bool writable);
    ~shared_bytes();
    shared_bytes(const shared_bytes&) = delete;
    shared_bytes& operator=(const shared_bytes&) = delete;

    std::byte* data() const { return bytes_.data(); }
    std::size_t size() const { return bytes_.size(); }

private:
    std::span<std::byte> bytes_;
};

}  // namespace ashlar::app
