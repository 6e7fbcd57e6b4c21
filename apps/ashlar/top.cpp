// `ashlar top PID`: what a running process asks for, by call site, again and again until q is pressed.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "ashlar/observe/summary.hpp"
#include "attach.hpp"
#include "command.hpp"
#include "failure.hpp"
#include "stack_view.hpp"
#include "table.hpp"
#include "terminal.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

namespace fs = std::filesystem;

struct options {
    std::string what;
    std::string interval = "1s";
    std::string by = "live";
    std::uint64_t sample = 512'000;
    std::size_t frames = 0;  // 0: until told
    bool once = false;
};

std::uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

/// What the frame before told, for rates.
struct totals {
    std::uint64_t time_ns = 0, allocations = 0, frees = 0, bytes = 0;
    std::map<std::string, tally> allocated;  // by site
};

double rate(std::uint64_t now, std::uint64_t before, std::uint64_t ns) {
    return ns == 0 || now < before ? 0 : static_cast<double>(now - before) * 1e9 / static_cast<double>(ns);
}

/// One look at the trace, however much of it there is by now.
class picture {
public:
    explicit picture(std::string by) : by_(std::move(by)) {}
    void order_by(const std::string& by) { by_ = by; }
    const std::string& by() const { return by_; }

    std::vector<std::string> lines(trace_reader& trace, const std::string& note, std::size_t most) {
        const auto s = summarise(trace);
        // Of a process that still runs, the trace ends with its last event; rates count from then to then.
        const std::uint64_t passed = s->duration_ns > before_.time_ns ? s->duration_ns - before_.time_ns : 0;
        std::vector<std::string> all = head(*s, trace.info(), passed);
        if (!note.empty()) all.push_back(note);
        all.push_back("");
        if (most > all.size() + 2) append(all, trace.info().has_stacks ? sites(*s, trace, passed, most - all.size() - 2) : threads(*s, most - all.size() - 2));
        before_.time_ns = s->duration_ns;
        before_.allocations = s->allocations, before_.frees = s->frees, before_.bytes = s->bytes_allocated;
        return all;
    }

private:
    struct row {
        std::string where;
        cost what;
        tally before;
    };

    std::vector<std::string> head(const summary& s, const trace_info& info, std::uint64_t passed) const {
        return {fmt::format("{}  process {}, watched for {}{}", printable(command_text(info), 60), info.process,
                            time_text(static_cast<double>(s.duration_ns)),
                            info.sample_mean != 0 ? fmt::format("; estimates: one byte in {}", count_text(info.sample_mean)) : ""),
                fmt::format("live {} in {} blocks   peak {}   {}", bytes_text(static_cast<double>(live_bytes(s))), count_text(s.leaked.blocks),
                            bytes_text(static_cast<double>(s.peak_bytes)), s.threads == 1 ? "1 thread" : count_text(s.threads) + " threads"),
                fmt::format("a second: {} allocations, {}, {} frees", count(rate(s.allocations, before_.allocations, passed)),
                            bytes_text(rate(s.bytes_allocated, before_.bytes, passed)), count(rate(s.frees, before_.frees, passed)))};
    }
    static std::uint64_t live_bytes(const summary& s) { return s.leaked.bytes; }
    static std::string count(double n) { return count_text(static_cast<std::uint64_t>(n + 0.5)); }
    static void append(std::vector<std::string>& to, const std::string& text) {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            to.push_back(text.substr(at, end - at));
            at = end + 1;
        }
    }

    std::string sites(const summary& s, const trace_reader& trace, std::uint64_t passed, std::size_t most) {
        const symbols::options how{};
        const stack_view view(s, trace.stacks(), trace.info(), &how);
        std::vector<row> rows;
        std::map<std::string, tally> now;
        for (const auto& site : view.sites()) {
            const std::string where = frame_text(view.frames()[site.frame]);
            const auto old = before_.allocated.find(where);
            rows.push_back({where, site.what, old != before_.allocated.end() ? old->second : tally{}});
            now[where] += site.what.allocated;
        }
        before_.allocated = std::move(now);
        const auto key = [&](const row& r) {
            return by_ == "live" ? r.what.live.bytes : by_ == "allocated" ? r.what.allocated.bytes - r.before.bytes : r.what.allocated.blocks - r.before.blocks;
        };
        std::sort(rows.begin(), rows.end(), [&](const row& a, const row& b) { return key(a) != key(b) ? key(a) > key(b) : a.where < b.where; });
        table shown({">live", ">blocks", ">bytes/s", ">allocations/s", "where"});
        for (std::size_t i = 0; i < std::min(rows.size(), most); ++i) {
            const row& r = rows[i];
            shown.row({bytes_text(static_cast<double>(r.what.live.bytes)), count_text(r.what.live.blocks),
                       bytes_text(rate(r.what.allocated.bytes, r.before.bytes, passed)), count(rate(r.what.allocated.blocks, r.before.blocks, passed)), r.where});
        }
        return shown.text(0);
    }
    static std::string threads(const summary& s, std::size_t most) {
        table shown({">live", ">allocated", ">allocations", ">frees", "thread"});
        for (std::size_t i = 0; i < std::min(s.per_thread.size(), most); ++i) {
            const auto& t = s.per_thread[i];
            shown.row({bytes_text(static_cast<double>(t.live_bytes)), bytes_text(static_cast<double>(t.bytes_allocated)), count_text(t.allocations),
                       count_text(t.frees), printable(t.name, 16)});
        }
        return shown.text(0);
    }

    std::string by_;
    totals before_;
};

/// The trace to look at: a file, that of a process being recorded, or of a sample that begins and ends with us.
class watched {
public:
    explicit watched(const options& chosen) {
        std::uint32_t number = 0;
        const auto& what = chosen.what;
        const auto [end, wrong] = std::from_chars(what.data(), what.data() + what.size(), number);
        if (wrong != std::errc{} || end != what.data() + what.size()) {
            file_ = what;
            return;
        }
        process_ = std::make_unique<controlled_process>(number);
        if (!process_->error().empty()) throw failure(failed, printable(process_->error(), 4096));
        if (process_->is_recording()) {
            file_ = process_->trace();
            return;
        }
        std::string why;
        recording_options how;
        how.file = own_ = control_folder(why) + "/" + what + ".top";
        how.stacks = 64;
        how.sample = chosen.sample;
        std::error_code ignored;
        fs::remove(own_, ignored);
        begin_recording(*process_, how, 2'000'000'000);
        file_ = own_;
    }
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;
    ~watched() {
        if (own_.empty()) return;
        end_recording(*process_, 200'000'000);
        std::error_code ignored;
        fs::remove(own_, ignored);
    }
    /// Nothing if the process has not allocated yet.
    std::optional<trace_reader> open() const {
        if (process_ && !fs::exists(file_)) return std::nullopt;
        auto trace = trace_reader::open(file_);
        if (!trace) throw failure(failed, printable(trace.error(), 4096));
        return trace;
    }
    bool is_over() const { return process_ && !process_->is_alive(); }
    bool is_process() const { return process_ != nullptr; }

private:
    std::unique_ptr<controlled_process> process_;
    std::string file_, own_;
};

std::vector<std::string> frame(picture& seen, const watched& from, const std::string& note, std::size_t most) {
    auto trace = from.open();
    if (!trace) return {"The process has allocated nothing since we watch.", note};
    return seen.lines(*trace, note, most);
}

void print_frames(picture& seen, const watched& from, std::size_t frames, std::uint64_t interval_ns, const interruption& wish) {
    for (std::size_t i = 0; i < frames && !wish.has_come(); ++i) {
        // The first picture of a sample that has just begun would be empty.
        if (i > 0 || from.is_process()) {
            const timespec pause{static_cast<time_t>(interval_ns / 1'000'000'000), static_cast<long>(interval_ns % 1'000'000'000)};
            nanosleep(&pause, nullptr);
        }
        const bool over = from.is_over();
        for (const auto& line : frame(seen, from, "", 1000)) fmt::print("{}\n", line);
        if (i + 1 < frames) fmt::print("\n");
        if (over) return;
    }
}

void show_frames(picture& seen, const watched& from, std::size_t frames, std::uint64_t interval_ns, const interruption& wish) {
    const terminal shown;
    const std::string orders[] = {"live", "allocated", "allocations"};
    for (std::size_t i = 0; (frames == 0 || i < frames) && !wish.has_come(); ++i) {
        const std::uint64_t begin = now_ns();
        const screen size = terminal::size();
        const bool over = from.is_over();
        const std::string note = fmt::format("{}q: quit   s: sorted by {}", over ? "the process has ended   " : "", seen.by());
        terminal::show(frame(seen, from, note, size.lines), size);
        // A trace of everything grows, and each picture reads all of it: never spend more than a fifth of the time so.
        const std::uint64_t cost = now_ns() - begin;
        const char key = terminal::key(std::max(interval_ns, 4 * cost));
        if (key == 'q' || key == 'Q') return;
        if (key == 's') {
            const auto now = std::find(std::begin(orders), std::end(orders), seen.by());
            seen.order_by(now + 1 == std::end(orders) ? orders[0] : now[1]);
        }
    }
}

int top(const options& chosen) {
    const std::uint64_t interval_ns = duration_of(chosen.interval);
    const bool live = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && !chosen.once;
    const interruption wish;
    const watched from(chosen);
    picture seen(chosen.by);
    if (live) show_frames(seen, from, chosen.frames, interval_ns, wish);
    else print_frames(seen, from, chosen.once || chosen.frames == 0 ? 1 : chosen.frames, interval_ns, wish);
    return done;
}

}  // namespace

void add_top(CLI::App& tool, context& line) {
    const auto chosen = std::make_shared<options>();
    auto* command = tool.add_subcommand("top", "watch what a running process asks for, by call site; q ends it");
    command->add_option("PID", chosen->what, "a process started by ashlar record, or the trace that one is writing")->required();
    command->add_option("--by", chosen->by, "what sites are ordered by")->check(CLI::IsMember({"live", "allocated", "allocations"}))->capture_default_str();
    command->add_option("--interval", chosen->interval, "time between pictures")->type_name("TIME")->capture_default_str();
    command->add_option("--sample", chosen->sample, "of a process that is not being recorded: one byte in so many")
        ->transform(CLI::AsSizeValue(true))->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))->type_name("SIZE");
    auto* once = command->add_flag("--once", chosen->once, "one picture, and no full screen");
    command->add_option("--frames", chosen->frames, "so many pictures")->type_name("N")->excludes(once);
    command->footer("ashlar top [--by live|allocated|allocations] [--once] PID");
    command->callback([chosen, &line] { line.chosen = [chosen] { return top(*chosen); }; });
}

}  // namespace ashlar::app
