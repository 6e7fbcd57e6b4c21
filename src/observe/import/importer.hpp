// ashlar/src/observe/import/importer.hpp - what the importers of all formats share: numbers in text, and where events go.
//
// Layer:      observe
// Complexity: linear in the line.
// Failure:    a line that is not understood says so, and has no effect.
// Threads:    one at a time.
// Checked by: tests/observe/trace_import_test.cpp
#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ashlar/observe/trace_writer.hpp"

namespace ashlar::detail {

/// Takes text apart from the left.
class scanner {
public:
    explicit scanner(std::string_view text) noexcept : rest_(text) {}

    std::string_view rest() const noexcept { return rest_; }
    bool empty() const noexcept { return rest_.empty(); }
    bool skip(std::string_view prefix) noexcept {
        if (rest_.substr(0, prefix.size()) != prefix) return false;
        rest_.remove_prefix(prefix.size());
        return true;
    }
    void skip_blanks() noexcept {
        while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    }
    /// Up to the mark, which is taken too; all that is left if there is none.
    std::string_view until(char mark) noexcept {
        const auto end = rest_.find(mark);
        const auto word = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        return word;
    }
    std::optional<std::uint64_t> number(int base = 10) noexcept {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, base);
        if (error != std::errc()) return std::nullopt;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return value;
    }
    /// As printf's %p and %#lx have it: "0x1f", "0", "(nil)".
    std::optional<std::uint64_t> address() noexcept {
        if (skip("(nil)")) return 0;
        return skip("0x") ? number(16) : number(10);
    }

private:
    std::string_view rest_;
};

/// Opens the trace at the first event: what was learnt of the program until then is in its header.
class import_sink {
public:
    import_sink(std::string path, std::string program) : path_(std::move(path)) { about.command_line = {std::move(program)}; }

    trace_writer::subject about;

    /// The next event is not before that time.
    void reach(std::uint64_t ns) noexcept { time_ns_ = ns > time_ns_ ? ns : time_ns_; }
    /// @returns false when it cannot be written
    bool emit(event e, std::uint64_t step_ns);
    /// @returns null when it cannot be made
    trace_writer* writer();
    std::uint64_t events() const noexcept { return events_; }
    bool made_file() const noexcept { return writer_ && *writer_; }
    /// @returns "" or why there is no whole trace
    std::string finish();

private:
    std::string path_;
    std::optional<trace_writer> writer_;
    std::uint64_t time_ns_ = 0;
    std::uint64_t events_ = 0;
    bool lost_ = false;
};

class importer {
public:
    virtual ~importer() = default;
    /// @returns whether the line was understood
    virtual bool take(std::string_view line, import_sink& to) = 0;
};

std::unique_ptr<importer> heaptrack_importer();
std::unique_ptr<importer> mtrace_importer();
std::unique_ptr<importer> valgrind_importer();
std::unique_ptr<importer> rep_importer();

/// @returns whether it is a line of --trace-malloc=yes
bool is_valgrind_line(std::string_view line) noexcept;

inline constexpr std::uint64_t step_without_clock_ns = 1'000;

}  // namespace ashlar::detail
