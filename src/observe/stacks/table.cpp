#include "table.hpp"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "ashlar/os/platform.hpp"

namespace ashlar::stacks {
namespace {

bool deeper(const stack_use& a, const stack_use& b) noexcept { return a.peak != b.peak ? a.peak > b.peak : a.thread < b.thread; }

/// A name as it may stand in a terminal's line and in JSON: threads may be called anything.
struct plain {
    explicit plain(const char* name) noexcept {
        std::size_t n = 0;
        for (; name[n] != '\0' && n + 1 < sizeof text; ++n) {
            const char c = name[n];
            text[n] = c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' : c;
        }
        text[n] = '\0';
    }
    char text[64];
};

/// Lines on their way to standard error, some at once.
class lines {
public:
    ~lines() { flush(); }
    [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) noexcept {
        if (sizeof text_ - length_ < 256) flush();
        va_list parts;
        va_start(parts, format);
        const int n = std::vsnprintf(text_ + length_, sizeof text_ - length_, format, parts);
        va_end(parts);
        if (n > 0) length_ += std::min(static_cast<std::size_t>(n), sizeof text_ - length_ - 1);
    }

private:
    void flush() noexcept {
        os::write_error(text_, length_);
        length_ = 0;
    }
    char text_[2048];
    std::size_t length_ = 0;
};

void add_line(lines& out, const stack_use& s) noexcept {
    // In tenths of a percent, without floating point: a program may have set its rounding.
    const std::size_t tenths = s.size == 0 ? 0 : static_cast<std::size_t>(static_cast<__uint128_t>(s.peak) * 1000 / s.size);
    out.add("  %-15s %8ld %9zu KiB %9zu KiB %4zu.%zu %%  %s\n", plain(s.name).text, s.thread, s.size / 1024, s.peak / 1024,
            tenths / 10, tenths % 10, s.ended ? "ended" : "runs");
}

void add_json(lines& out, const stack_use& s, bool comma) noexcept {
    out.add("%s{\"name\":\"%s\",\"tid\":%ld,\"size\":%zu,\"used\":%zu,\"ended\":%s}", comma ? "," : "", plain(s.name).text, s.thread,
            s.size, s.peak, s.ended ? "true" : "false");
}

}  // namespace

void table::add(const stack_use& one) noexcept {
    if (count_ < most) {
        deepest_[count_++] = one;
        return;
    }
    stack_use* const least = std::max_element(deepest_, deepest_ + most, deeper);
    const stack_use& out = deeper(one, *least) ? *least : one;
    ++rest_;
    peak_of_rest_ = std::max(peak_of_rest_, out.peak);
    if (&out == least) *least = one;
}

void table::sort() noexcept { std::sort(deepest_, deepest_ + count_, deeper); }

void table::print_text(const stack_use* first) noexcept {
    sort();
    lines out;
    const std::size_t all = count_ + rest_ + unseen + (first != nullptr ? 1 : 0);
    out.add("ashlar: stacks of %s (%d), %zu thread%s\n", plain(program_invocation_short_name).text, getpid(), all, all == 1 ? "" : "s");
    out.add("  %-15s %8s %13s %13s\n", "thread", "tid", "size", "used");
    if (first != nullptr) add_line(out, *first);
    for (std::size_t i = 0; i < count_; ++i) add_line(out, deepest_[i]);
    if (rest_ != 0) out.add("  and %zu more, none of which used more than %zu KiB\n", rest_, peak_of_rest_ / 1024);
    if (unseen != 0) out.add("  and %zu that were not watched: there was no memory for it\n", unseen);
}

void table::print_json(const stack_use* first) noexcept {
    sort();
    lines out;
    out.add("{\"ashlar_stacks\":{\"program\":\"%s\",\"pid\":%d,\"threads\":[", plain(program_invocation_short_name).text, getpid());
    if (first != nullptr) add_json(out, *first, false);
    for (std::size_t i = 0; i < count_; ++i) add_json(out, deepest_[i], i != 0 || first != nullptr);
    out.add("],\"more\":%zu,\"more_used_at_most\":%zu,\"not_watched\":%zu}}\n", rest_, peak_of_rest_, unseen);
}

}  // namespace ashlar::stacks
