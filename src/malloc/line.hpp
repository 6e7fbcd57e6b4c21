// ashlar/src/malloc/line.hpp - a line of text for standard error or another sink, put together without allocating.
//
// Layer:      malloc
// Complexity: a buffer on the stack; what does not fit is written when the buffer is full.
// Failure:    none; what cannot be written is dropped.
// Threads:    a line up to the buffer's length is one write: lines of several threads do not mix.
// Checked by: tests/malloc/program/
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ashlar/os/platform.hpp"

namespace ashlar::malloc {

/// Where text goes: a function that is given it piece by piece.
struct sink {
    void (*write)(void* to, const char* text, std::size_t length);
    void* to;
};
inline constexpr sink standard_error{
    [](void*, const char* text, std::size_t length) { os::write_error(text, length); }, nullptr};

class line {
public:
    line() noexcept = default;
    explicit line(const sink& out) noexcept : out_(out) {}
    template <class... Parts>
        requires(sizeof...(Parts) != 0)
    explicit line(const Parts&... parts) noexcept {
        (add(parts), ...);
    }
    line& add(std::string_view text) noexcept {
        for (const char c : text) {
            if (length_ == sizeof text_ - 1) flush();
            text_[length_++] = c;
        }
        return *this;
    }
    line& add(std::uint64_t number) noexcept {
        char digits[20];
        std::size_t n = 0;
        do digits[n++] = static_cast<char>('0' + number % 10);
        while ((number /= 10) != 0);
        while (n != 0) add(std::string_view(&digits[--n], 1));
        return *this;
    }
    line& add(const void* p) noexcept {
        add("0x");
        const auto address = reinterpret_cast<std::uintptr_t>(p);
        int shift = 60;
        while (shift > 0 && address >> shift == 0) shift -= 4;
        for (; shift >= 0; shift -= 4) add(std::string_view(&"0123456789abcdef"[address >> shift & 15], 1));
        return *this;
    }
    line& add(const char* text) noexcept { return add(std::string_view(text)); }
    line& add_signed(std::int64_t number) noexcept {
        if (number < 0) add("-");
        return add(number < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number));
    }
    /// Right-aligned in that many columns.
    line& add_padded(std::uint64_t number, unsigned width) noexcept {
        std::uint64_t limit = 1;
        for (unsigned digits = 1; digits < width; ++digits) limit *= 10;
        for (; limit > 1 && number < limit; limit /= 10) add(" ");
        return add(number);
    }
    void print() noexcept {
        text_[length_++] = '\n';
        flush();
    }

private:
    void flush() noexcept {
        out_.write(out_.to, text_, length_);
        length_ = 0;
    }
    sink out_ = standard_error;
    char text_[512];
    std::size_t length_ = 0;
};

}  // namespace ashlar::malloc
