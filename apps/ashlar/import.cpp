// `ashlar import FILE`: a trace out of what heaptrack, mtrace, Valgrind or a malloc lab has recorded.
#include <fmt/core.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "ashlar/observe/trace_import.hpp"
#include "command.hpp"
#include "failure.hpp"
#include "progress.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* usage = "ashlar import [-o TRACE] FILE   (- is standard input)";

struct options {
    std::string from;
    std::string to;
};

/// Opens `from`; its size for the progress line, 0 where there is none.
std::uint64_t open_input(const std::string& from, std::ifstream& file) {
    struct stat about {};
    if (stat(from.c_str(), &about) != 0) throw failure(failed, fmt::format("{}: {}", printable(from, 4096), std::strerror(errno)));
    if (S_ISDIR(about.st_mode)) throw failure(failed, printable(from, 4096) + ": is a directory");
    file.open(from, std::ios::binary);
    if (!file) throw failure(failed, fmt::format("{}: {}", printable(from, 4096), std::strerror(errno)));
    return S_ISREG(about.st_mode) ? static_cast<std::uint64_t>(about.st_size) : 0;
}

int import(const options& chosen) {
    const bool standard = chosen.from == "-";
    if (standard && chosen.to.empty()) throw failure(wrong_use, "a trace of standard input needs a name: -o TRACE");
    const std::string to = chosen.to.empty() ? chosen.from + ".trace" : chosen.to;
    check_trace_output(to);
    std::ifstream file;
    const std::uint64_t size = standard ? 0 : open_input(chosen.from, file);
    const std::string input = standard ? "standard input" : chosen.from;

    const std::string part = to + ".part";  // nobody meets half a trace under the name
    std::error_code ignored;
    fs::remove(part, ignored);
    import_outcome done;
    {
        progress line("importing");
        done = import_trace(standard ? std::cin : file, fs::path(input).filename().string(), part, [&](std::uint64_t bytes) {
            line.show(bytes_text(static_cast<double>(bytes)), size == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(size));
        });
    }
    if (!done.error.empty()) throw failure(failed, fmt::format("{} {}", printable(input, 4096), done.error));
    std::error_code error;
    fs::rename(part, to, error);
    if (error) {
        fs::remove(part, ignored);
        throw failure(failed, fmt::format("{}: {}", printable(to, 4096), error.message()));
    }
    fmt::print(stderr, "ashlar: {} events of {}, in {}\n", count_text(done.events), name(done.format), printable(to, 4096));
    // Between Valgrind's lines stands what the program printed itself.
    if (done.unread_lines != 0 && done.format != foreign_format::valgrind) {
        fmt::print(stderr, "ashlar: {} lines were not understood and left out, the first is line {}\n",
                   count_text(done.unread_lines), count_text(done.first_unread));
    }
    return ashlar::app::done;
}

}  // namespace

void add_import(CLI::App& tool, context& line) {
    const auto chosen = std::make_shared<options>();
    auto* command = tool.add_subcommand("import", "make a trace of what another tool has recorded");
    command->add_option("FILE", chosen->from,
                        "raw data of heaptrack, mtrace's file, output of valgrind --trace-malloc=yes, or a .rep file")->required();
    command->add_option("-o,--output", chosen->to, "the trace (default: FILE.trace)")->type_name("TRACE");
    command->footer(usage);
    command->callback([chosen, &line] { line.chosen = [chosen] { return import(*chosen); }; });
}

}  // namespace ashlar::app
