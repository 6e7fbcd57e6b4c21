// See symbols.hpp.
#include "symbols.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "process.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

constexpr std::uint32_t most_text = 1 << 16;  // of a name; longer ones are cut
constexpr std::uint32_t most_lines = 256;

/// A stream of numbers and texts through a pipe.
class sender {
public:
    explicit sender(int to) : file_(fdopen(to, "wb")) {}
    void number(std::uint32_t n) { std::fwrite(&n, sizeof n, 1, file_); }
    void text(const std::string& t) {
        const auto size = static_cast<std::uint32_t>(t.size() < most_text ? t.size() : most_text);
        number(size);
        std::fwrite(t.data(), 1, size, file_);
    }
    bool finish() { return std::fclose(file_) == 0; }

private:
    std::FILE* file_;
};

bool read_number(std::FILE* from, std::uint32_t& n) { return std::fread(&n, sizeof n, 1, from) == 1; }
bool read_text(std::FILE* from, std::string& text) {
    std::uint32_t size;
    if (!read_number(from, size) || size > most_text) return false;
    text.resize(size);
    return std::fread(text.data(), 1, size, from) == size;
}

void limit(int what, rlim_t most) {
    const rlimit both{most, most};
    setrlimit(static_cast<__rlimit_resource_t>(what), &both);
}

/// What the child does. It leaves by _exit: nothing of the parent's is flushed twice.
[[noreturn]] void tell(int to, const trace_module& m, const std::string& path, const std::vector<std::uint32_t>& places,
                       const trace_stacks& stacks, const symbols::options& how) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, how.seconds);
    limit(RLIMIT_AS, rlim_t{16} << 30);
    unsetenv("DEBUGINFOD_URLS");  // nothing is fetched from anywhere
    sender out(to);
    try {
        debug_info info(path, m.build_id, how.debug_paths);
        out.text(info.error());
        for (const std::uint32_t place : places) {
            const auto lines = info.at(stacks.places()[place].offset - 1);  // a call is before where it returns to
            if (lines.empty()) continue;
            out.number(place);
            const auto count = static_cast<std::uint32_t>(lines.size() < most_lines ? lines.size() : most_lines);
            out.number(count);
            for (std::uint32_t i = 0; i < count; ++i) {
                out.text(lines[i].function);
                out.text(lines[i].file);
                out.number(lines[i].line);
            }
        }
    } catch (...) {
        _exit(1);
    }
    _exit(out.finish() ? 0 : 1);
}

std::string base_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

symbols::symbols(const trace_stacks& stacks, const trace_info& info, const std::vector<bool>& wanted, const options& how)
    : lines_(stacks.places().size()) {
    const auto& modules = stacks.modules();
    std::vector<std::vector<std::uint32_t>> by_module(modules.size());
    for (std::uint32_t i = 0; i < stacks.places().size(); ++i) {
        const std::uint32_t module = stacks.places()[i].module;
        if (wanted[i] && module != 0 && module < modules.size()) by_module[module].push_back(i);
    }
    names_.emplace_back("code made at run time");
    for (std::uint32_t m = 1; m < modules.size(); ++m) {
        const std::string& path = modules[m].path.empty() ? info.executable : modules[m].path;
        names_.push_back(printable(base_of(path)));
        if (!by_module[m].empty() && path.starts_with('/')) read_module(m, path, by_module[m], stacks, how);
    }
    for (std::uint32_t i = 0; i < lines_.size(); ++i) {
        const trace_place& p = stacks.places()[i];
        auto& lines = lines_[i];
        if (lines.empty()) lines.emplace_back();
        for (auto& line : lines) {
            if (!line.function.empty()) continue;
            line.function = p.module != 0 && p.module < names_.size() ? fmt::format("{}+0x{:x}", names_[p.module], p.offset)
                                                                        : fmt::format("0x{:x}", p.offset);
        }
    }
}

void symbols::read_module(std::uint32_t module, const std::string& path, const std::vector<std::uint32_t>& places,
                          const trace_stacks& stacks, const options& how) {
    int ends[2];
    if (pipe(ends) != 0) return;
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        tell(ends[1], stacks.modules()[module], path, places, stacks, how);
    }
    close(ends[1]);
    std::size_t received = 0;
    const std::size_t noted = notes_.size();
    if (child > 0) receive(ends[0], received);
    if (notes_.size() != noted) notes_.back() = fmt::format("{} cannot be read for its symbols: {}; its code is told by offset", printable(path), notes_.back());
    close(ends[0]);
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (child > 0 && status == 0) return;
    ending how_it_ended{WIFSIGNALED(status), WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)};
    notes_.push_back(fmt::format("the symbols of {} could not all be read: its reader ended early ({}) after {} of {} places; the others are told by offset",
                                 printable(path), describe(how_it_ended), received, places.size()));
}

void symbols::receive(int from, std::size_t& received) {
    std::FILE* in = fdopen(dup(from), "rb");
    if (in == nullptr) return;
    std::string error;
    if (read_text(in, error) && !error.empty()) notes_.push_back(printable(error, 400));
    std::uint32_t place, count;
    while (read_number(in, place) && read_number(in, count) && place < lines_.size() && count <= most_lines) {
        std::vector<code_line> lines(count);
        bool whole = true;
        for (auto& l : lines) whole = whole && read_text(in, l.function) && read_text(in, l.file) && read_number(in, l.line);
        if (!whole) break;
        lines_[place] = std::move(lines);
        ++received;
    }
    std::fclose(in);
}

}  // namespace ashlar::app
