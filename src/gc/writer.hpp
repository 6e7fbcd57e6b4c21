// Text on its way to the program, a buffer at a time; and the names of types.
#pragma once

#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

#include "ashlar/gc/collected_heap.hpp"

namespace ashlar::gc::detail {

/// Of "... [with T = node; ...]" the middle.
inline std::string_view type_name(const descriptor& d) noexcept {
    const char* const begin = std::strstr(d.text, "T = ");
    const char* const from = begin == nullptr ? d.text : begin + 4;
    std::size_t n = 0;
    for (int open = 0; from[n] != 0; ++n) {
        if (from[n] == '[' || from[n] == '<') ++open;
        if ((from[n] == ']' || from[n] == '>') && open-- == 0) break;
        if (from[n] == ';' && open == 0) break;
    }
    return {from, n};
}

class writer {
public:
    writer(heap::write_function write, void* to) noexcept : write_(write), to_(to) {}
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer() { flush(); }

    void text(const char* s, std::size_t n) {
        if (n > sizeof buffer_ - used_) flush();
        if (n > sizeof buffer_) return write_(to_, s, n);
        std::memcpy(buffer_ + used_, s, n);
        used_ += n;
    }
    void text(const char* s) { text(s, std::strlen(s)); }
    void number(std::size_t n) {
        char digits[24];
        text(digits, static_cast<std::size_t>(std::snprintf(digits, sizeof digits, "%zu", n)));
    }
    /// Objects are known by their granule's number: below 2^53, as JSON needs it.
    void name(const void* object) { number(reinterpret_cast<std::uintptr_t>(object) / granule); }
    void quoted(std::string_view s) {
        text("\"");
        for (const char& c : s) {
            if (c == '"' || c == '\\') text("\\");
            text(&c, 1);
        }
        text("\"");
    }
    void flush() {
        if (used_ != 0) write_(to_, buffer_, used_);
        used_ = 0;
    }

private:
    heap::write_function write_;
    void* to_;
    std::size_t used_ = 0;
    char buffer_[4096];
};

inline void write_tile(writer& out, bool first, const void* tile, std::span<const std::size_t> used) {
    out.text(first ? "{\"at\":" : ",\n{\"at\":");
    out.name(tile);
    out.text(",\"used\":[");
    for (std::size_t i = 0; i != used.size(); ++i) {
        if (i != 0) out.text(",");
        out.number(used[i]);
    }
    out.text("]}");
}

}  // namespace ashlar::gc::detail
