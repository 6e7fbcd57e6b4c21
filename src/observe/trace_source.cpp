#include "trace_source.hpp"

#include <algorithm>
#include <cstring>

#include "trace_system.hpp"

namespace ashlar {

trace_source::trace_source(const char* path, int& error) noexcept {
    file_ = trace_system::open_to_read(path);
    error = file_ < 0 ? -file_ : 0;
    if (file_ >= 0) size_ = trace_system::size_of(file_);
}

trace_source::~trace_source() {
    if (file_ >= 0) trace_system::close(file_);
}

std::uint64_t trace_source::size_now() const noexcept { return file_ >= 0 ? trace_system::size_of(file_) : size_; }

int trace_source::hold_alone() const noexcept { return trace_system::hold_alone(file_); }

std::size_t trace_source::read(std::uint64_t offset, void* to, std::size_t size) const noexcept {
    if (offset >= size_) return 0;
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - offset));
    if (file_ >= 0) return trace_system::read_at(file_, to, size, offset);
    std::memcpy(to, bytes_.data() + offset, size);
    return size;
}

std::uint64_t trace_source::next_data(std::uint64_t offset) const noexcept {
    if (offset >= size_) return size_;
    return file_ >= 0 ? std::max(offset, trace_system::next_data(file_, offset)) : offset;
}

}  // namespace ashlar
