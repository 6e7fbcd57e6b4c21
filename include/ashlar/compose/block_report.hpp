// ashlar/compose/block_report.hpp - a sentence about a block, for the contract handler.
//
// Layer:      compose
// Complexity: formats a line of at most 160 characters; never allocates.
// Failure:    what does not fit the line is cut off.
// Threads:    each thread has its own line; it holds until that thread's next report.
// Checked by: tests/compose/block_report_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {

/// A line that is put together from words, numbers and addresses.
class block_report {
public:
    block_report& operator<<(const char* words) noexcept {
        while (*words != 0) put(*words++);
        return *this;
    }
    block_report& operator<<(std::size_t number) noexcept {
        if (number >= 10) *this << number / 10;
        put(static_cast<char>('0' + number % 10));
        return *this;
    }
    block_report& operator<<(const std::byte* p) noexcept {
        *this << "0x";
        const auto address = reinterpret_cast<std::uintptr_t>(p);
        unsigned digits = 1;
        while (digits < 16 && (address >> (4 * digits)) != 0) ++digits;
        while (digits-- != 0) put("0123456789abcdef"[(address >> (4 * digits)) & 15]);
        return *this;
    }
    const char* text() const noexcept { return line_; }

    /// Hands the line to the contract handler, which does not come back to here.
    [[noreturn]] void stop(const char* file, std::uint32_t line) const noexcept {
        static thread_local char kept[sizeof line_];  // the handler's strings outlive this object
        for (std::size_t i = 0; i < sizeof line_; ++i) kept[i] = line_[i];
        detail::contract_broken("precondition", kept, file, line);
    }

private:
    void put(char c) noexcept {
        if (length_ + 1 < sizeof line_) line_[length_++] = c;
    }

    char line_[160] = {};
    std::size_t length_ = 0;
};

}  // namespace ashlar
