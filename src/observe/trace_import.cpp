#include "ashlar/observe/trace_import.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <istream>
#include <vector>

#include "import/importer.hpp"

namespace ashlar {
namespace detail {

trace_writer* import_sink::writer() {
    if (!writer_) writer_.emplace(trace_writer::create(path_, about));
    return *writer_ ? &*writer_ : nullptr;
}

bool import_sink::emit(event e, std::uint64_t step_ns) {
    trace_writer* const w = writer();
    time_ns_ += step_ns;
    e.time_ns = time_ns_;
    if (w == nullptr || !w->write(e)) {
        lost_ = true;
        return false;
    }
    ++events_;
    return true;
}

std::string import_sink::finish() {
    if (!writer_) return "tells of no allocation";
    if (!*writer_) return writer_->error();
    if (events_ == 0 && !lost_) return "tells of no allocation";
    return writer_->close(time_ns_) && !lost_ ? "" : "cannot be written whole as a trace: the disk is full, or a limit is reached";
}

namespace {

/// Lines out of a stream, of bounded length.
class line_source {
public:
    explicit line_source(std::istream& from) : from_(from), buffer_(std::size_t{1} << 20) {}

    /// The first bytes, which next() will give again.
    std::string_view beginning() {
        fill();
        return {buffer_.data(), filled_};
    }
    bool next(std::string_view& line) {
        for (;;) {
            const char* const first = buffer_.data() + at_;
            const char* const last = buffer_.data() + filled_;
            const char* const end = std::find(first, last, '\n');
            if (end == last && at_ != 0 && !ended_) {
                std::copy(first, last, buffer_.data());
                filled_ -= at_;
                at_ = 0;
                fill();
                continue;
            }
            if (first == last) return false;
            line = {first, static_cast<std::size_t>(end - first)};
            if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
            at_ += static_cast<std::size_t>(end - first) + (end != last);
            return true;
        }
    }
    std::uint64_t bytes() const noexcept { return read_; }
    bool failed() const { return from_.bad(); }

private:
    void fill() {
        while (!ended_ && filled_ < buffer_.size()) {
            from_.read(buffer_.data() + filled_, static_cast<std::streamsize>(buffer_.size() - filled_));
            const auto got = static_cast<std::size_t>(from_.gcount());
            filled_ += got;
            read_ += got;
            if (got == 0) ended_ = true;
        }
    }
    std::istream& from_;
    std::vector<char> buffer_;
    std::size_t at_ = 0;
    std::size_t filled_ = 0;
    std::uint64_t read_ = 0;
    bool ended_ = false;
};

std::unique_ptr<importer> importer_of(foreign_format format) {
    switch (format) {
        case foreign_format::heaptrack: return heaptrack_importer();
        case foreign_format::mtrace: return mtrace_importer();
        case foreign_format::valgrind: return valgrind_importer();
        case foreign_format::rep: return rep_importer();
        case foreign_format::unknown: break;
    }
    return nullptr;
}

std::string why_unknown(std::string_view beginning) {
    if (beginning.empty()) return "is empty";
    if (beginning.substr(0, 4) == "\x28\xb5\x2f\xfd") return "is compressed; try: zstd -dc FILE | ashlar import -o TRACE -";
    if (beginning.substr(0, 2) == "\x1f\x8b") return "is compressed; try: gzip -dc FILE | ashlar import -o TRACE -";
    return "is no recording of heaptrack (--raw), mtrace or Valgrind (--trace-malloc=yes), and no .rep file";
}

}  // namespace
}  // namespace detail

std::string_view name(foreign_format format) noexcept {
    switch (format) {
        case foreign_format::heaptrack: return "heaptrack";
        case foreign_format::mtrace: return "mtrace";
        case foreign_format::valgrind: return "Valgrind";
        case foreign_format::rep: return ".rep";
        case foreign_format::unknown: break;
    }
    return "unknown";
}

foreign_format recognise(std::string_view beginning) noexcept {
    detail::scanner s(beginning);
    int numbers = 0;
    for (int i = 0; i < 1000 && !s.empty(); ++i) {
        std::string_view line = s.until('\n');
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (i == 0 && line.substr(0, 2) == "v " && line.size() < 40) return foreign_format::heaptrack;
        if (line == "= Start") return foreign_format::mtrace;
        if (detail::is_valgrind_line(line)) return foreign_format::valgrind;
        const bool digits = !line.empty() && line.size() < 20 && std::all_of(line.begin(), line.end(), [](char c) { return c >= '0' && c <= '9'; });
        numbers = digits ? numbers + 1 : 0;
        if (digits && numbers == 4 && i == 3) return foreign_format::rep;
    }
    return foreign_format::unknown;
}

import_outcome import_trace(std::istream& from, const std::string& input, const std::string& path,
                            const std::function<void(std::uint64_t)>& told) {
    detail::line_source lines(from);
    import_outcome done;
    done.format = recognise(lines.beginning());
    const auto format = detail::importer_of(done.format);
    if (format == nullptr) {
        done.error = lines.failed() ? "cannot be read" : detail::why_unknown(lines.beginning());
        return done;
    }
    detail::import_sink sink(path, input);
    std::uint64_t number = 0;
    for (std::string_view line; lines.next(line);) {
        ++number;
        if (!format->take(line, sink)) {
            if (done.unread_lines++ == 0) done.first_unread = number;
        }
        if (told && number % 65'536 == 0) told(lines.bytes());
    }
    done.events = sink.events();
    done.error = sink.finish();
    if (lines.failed()) done.error = "cannot be read to its end";
    if (!done.error.empty() && sink.made_file()) unlink(path.c_str());
    return done;
}

}  // namespace ashlar
