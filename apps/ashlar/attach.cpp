// See attach.hpp.
#include "attach.hpp"

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>

#include <fmt/core.h>

#include "ashlar/observe/trace_pack.hpp"
#include "ashlar/observe/trace_reader.hpp"
#include "failure.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t tick_ns = 20'000'000;
constexpr std::uint64_t patience_ns = 2'000'000'000;

volatile std::sig_atomic_t interrupted = 0;
constexpr int interrupting[] = {SIGINT, SIGTERM, SIGHUP};

std::uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

/// @returns whether it came true before so much time had passed
bool wait_for(std::uint64_t at_most_ns, const std::function<bool()>& is_so) {
    const std::uint64_t begin = now_ns();
    while (!is_so()) {
        if (now_ns() - begin >= at_most_ns) return false;
        const timespec tick{0, tick_ns};
        nanosleep(&tick, nullptr);  // a signal ends it early
    }
    return true;
}

bool wait_until_heeded(controlled_process& process, std::uint64_t at_most_ns) {
    wait_for(at_most_ns, [&] { return process.has_heeded() || !process.is_alive() || interrupted != 0; });
    return process.has_heeded();
}

}  // namespace

interruption::interruption() {
    interrupted = 0;
    struct sigaction how {};
    how.sa_handler = [](int) { interrupted = 1; };
    for (const int each : interrupting) sigaction(each, &how, nullptr);
}
interruption::~interruption() {
    for (const int each : interrupting) std::signal(each, SIG_DFL);
}
bool interruption::has_come() const noexcept { return interrupted != 0; }

std::uint64_t duration_of(const std::string& text) {
    std::size_t end = 0;
    double value = 0;
    try {
        value = std::stod(text, &end);
    } catch (const std::exception&) {
        end = 0;
    }
    const std::string unit = text.substr(end);
    const double ns = unit == "ms" ? 1e6 : unit == "s" || unit.empty() ? 1e9 : unit == "min" ? 60e9 : unit == "h" ? 3600e9 : 0;
    if (end == 0 || ns == 0 || !(value > 0) || value * ns > 1e18) {
        throw failure(wrong_use, fmt::format("'{}' is no duration; one is 500ms, 10s, 2min or 1h", printable(text)));
    }
    return static_cast<std::uint64_t>(value * ns);
}

bool begin_recording(controlled_process& process, const recording_options& options, std::uint64_t at_most_ns) {
    if (const auto why = process.begin(options.file, options.stacks, options.sample); !why.empty()) throw failure(failed, printable(why, 4096));
    const bool heeded = wait_until_heeded(process, at_most_ns);
    if (process.refusal() != 0) {
        throw failure(failed, fmt::format("the process cannot record to {}: {}", printable(options.file, 4096), std::strerror(process.refusal())));
    }
    return heeded;
}

bool end_recording(controlled_process& process, std::uint64_t at_most_ns) {
    process.end();
    return wait_until_heeded(process, at_most_ns);
}

int record_process(std::uint32_t number, recording_options options, std::uint64_t for_ns) {
    controlled_process process(number);
    if (!process.error().empty()) throw failure(failed, printable(process.error(), 4096));
    check_trace_output(options.file);
    options.file = fs::absolute(options.file).string();
    if (process.is_recording()) throw failure(failed, fmt::format("process {} is being recorded already, into {}", number, printable(process.trace(), 4096)));
    std::error_code ignored;
    fs::remove(options.file, ignored);  // an older trace: the process makes a new one, and writes over nothing

    const interruption wish;
    begin_recording(process, options, std::min(for_ns != 0 ? for_ns : UINT64_MAX, patience_ns));
    wait_for(for_ns != 0 ? for_ns : UINT64_MAX, [&] { return wish.has_come() || !process.is_alive(); });
    interrupted = 0;  // the end has its own patience
    const bool ended = end_recording(process, patience_ns) || !process.is_alive();
    const auto trace = trace_reader::open(options.file);
    if (!trace) {
        throw failure(failed, fmt::format("nothing was recorded of process {}: it allocated nothing meanwhile", number));
    }
    std::string left;
    if (options.compress && ended) {
        packed_size ignored_size;
        left = pack_trace(options.file, ignored_size);
    }
    fmt::print(stderr, "ashlar: {} of process {}, {}, in {}\n", time_text(static_cast<double>(trace.info().duration_ns)), number,
               bytes_text(static_cast<double>(fs::file_size(options.file, ignored))), printable(options.file, 4096));
    if (!ended) fmt::print(stderr, "ashlar: the process has allocated nothing since; its trace ends when it does\n");
    if (!left.empty()) fmt::print(stderr, "ashlar: {}\n", printable(left, 4096));
    return done;
}

}  // namespace ashlar::app
