#include "start.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../unwind/unwinder.hpp"
#include "ashlar/os/platform.hpp"
#include "next.hpp"

namespace ashlar::recorder {

namespace f = trace_format;
namespace sys = trace_system;

const char* from_environment(const char* name) noexcept {
    const std::size_t n = std::strlen(name);
    for (char** at = environ; *at != nullptr; ++at) {
        if (std::strncmp(*at, name, n) == 0 && (*at)[n] == '=') return *at + n + 1;
    }
    return nullptr;
}

namespace {

// Those below are static: one thread at a time starts a recording.
constinit text base;  // ASHLAR_TRACE as an absolute path; empty while it is not known
constinit bool off = false;

void complain(const char* path, int error) noexcept {
    static constinit text t;
    t = text{};
    const char* why = strerrordesc_np(error);
    t << "ashlar: cannot record to " << path << ": " << (why != nullptr ? why : "unknown error")
      << "; the program runs on unrecorded\n";
    os::write_error(t.bytes, t.length);
}

bool find_base() noexcept {
    const char* wanted = from_environment("ASHLAR_TRACE");
    // A program with borrowed rights must not be made to write files by its environment.
    if (wanted == nullptr || *wanted == 0 || sys::has_borrowed_rights()) return false;
    if (*wanted != '/') {
        base.length = sys::working_directory(base.bytes, text::room - 1);
        base << "/";
    }
    base << wanted;
    if (!base.whole) complain(wanted, ENAMETOOLONG);
    return base.whole;
}

/// @returns whether the trace at path is this very process's, from before an exec
bool is_own_earlier(int there, const trace_subject& subject) noexcept {
    f::file_header h;
    return sys::read_at(there, &h, sizeof h, 0) == sizeof h &&
           std::memcmp(h.magic, f::file_magic, sizeof h.magic) == 0 && h.process == subject.process &&
           h.process_start == subject.process_start;
}

/// Marks the earlier image's trace as ended by exec and gives it the first free number.
bool move_aside(const char* path, int there, const trace_clock& clock) noexcept {
    f::file_header h{};
    sys::read_at(there, &h, sizeof h, 0);
    if (h.state == static_cast<std::uint32_t>(trace_state::running) && clock.start_ns() >= h.start_monotonic_ns) {
        const std::uint64_t lasted = clock.start_ns() - h.start_monotonic_ns;
        const std::uint64_t end[] = {h.start_ticks + scale(lasted, h.ticks_per_second, ns_per_second), clock.start_ns()};
        const auto state = static_cast<std::uint32_t>(trace_state::replaced);
        sys::write_at(there, end, sizeof end, offsetof(f::file_header, end_ticks));
        sys::write_at(there, &state, sizeof state, offsetof(f::file_header, state));
    }
    static constinit text to;
    for (std::uint32_t n = 1; n < 10'000; ++n) {
        to = text{};
        to << path << "." << n;
        const int error = to.whole ? sys::rename_to_new(path, to.bytes) : ENAMETOOLONG;
        if (error != EEXIST) return error == 0;
    }
    return false;
}

/// Keeps to start.I1: the file is created, and what is in the way moves only if it is this process's.
int open_as(trace_file& file, const char* path, const trace_subject& subject, const trace_clock& clock) noexcept {
    const int error = file.open(path, subject, clock);
    if (error != EEXIST) return error;
    const int there = sys::open_existing(path, true);
    const bool own = there >= 0 && is_own_earlier(there, subject) && move_aside(path, there, clock);
    if (there >= 0) sys::close(there);
    return own ? file.open(path, subject, clock) : EEXIST;
}

/// T for the first process and its later images, T.PID for the others, T.PID.N if an old run left that one.
int open_own(trace_file& file, const trace_subject& subject, const trace_clock& clock, bool forked) noexcept {
    int error = EEXIST;
    if (!forked) error = open_as(file, base.bytes, subject, clock);
    static constinit text name, numbered;
    name = base;
    name << "." << subject.process;
    if (error == EEXIST) error = open_as(file, name.bytes, subject, clock);
    for (std::uint32_t n = 1; error == EEXIST && n < 1000; ++n) {
        numbered = name;
        numbered << "." << n;
        error = numbered.whole ? file.open(numbered.bytes, subject, clock) : ENAMETOOLONG;
    }
    return error;
}

}  // namespace

/// @returns the number that the variable holds, at most `most`; 0 if it holds none
static std::uint64_t number_from_environment(const char* name, std::uint64_t most) noexcept {
    std::uint64_t number = 0;
    const char* text = from_environment(name);
    for (; text != nullptr && *text >= '0' && *text <= '9'; ++text) {
        number = number * 10 + static_cast<std::uint64_t>(*text - '0');
        if (number > most) number = most;
    }
    return number;
}

wish wished_at_start() noexcept {
    // The program may change its environment; its children are told by theirs.
    static constinit wish at_start;
    static constinit bool known = false;
    if (known || environ == nullptr) return at_start;
    known = true;
    at_start.stack_depth = static_cast<std::uint32_t>(number_from_environment("ASHLAR_TRACE_STACKS", unwind::unwinder::most));
    at_start.sample_mean = number_from_environment("ASHLAR_TRACE_SAMPLE", std::uint64_t{1} << 40);
    at_start.maps = number_from_environment("ASHLAR_TRACE_MAPS", 1) != 0;
    return at_start;
}

start_result open_trace(trace_file& file, const wish& what, bool forked, int& error) noexcept {
    error = 0;
    if (what.path != nullptr) {
        base = text{};
        base << what.path;
    } else if (off) {
        return start_result::off;
    } else if (base.length == 0) {
        if (environ == nullptr) return start_result::too_early;
        if (!find_base()) {
            off = true;
            return start_result::off;
        }
    }
    const trace_clock clock = trace_clock::of_machine();
    static char papers[2 * 4096];  // not on the stack: a thread's may be small
    bool cut = false;
    trace_subject subject;
    subject.process = sys::process();
    subject.parent = sys::parent();
    subject.process_start = sys::process_start();
    subject.stack_depth = what.stack_depth;
    subject.sample_mean = what.sample_mean;
    const std::size_t command = sys::command_line(papers, 4096, cut);
    subject.command_line = {papers, command};
    subject.executable = {papers + 4096, sys::executable(papers + 4096, 4096)};
    subject.tells_memory = true;
    subject.tells_maps = what.maps;
    subject.flags = (forked ? f::flag_forked : 0) | (cut ? f::flag_command_line_cut : 0) | flag_of_next();
    error = open_own(file, subject, clock, forked);
    if (error == 0) {
        file.watch_memory();
        return start_result::on;
    }
    if (what.path != nullptr) return start_result::off;  // who asked is told
    complain(base.bytes, error);
    off = true;  // and for the children: one sentence is enough
    return start_result::off;
}

}  // namespace ashlar::recorder
