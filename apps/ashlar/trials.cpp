// See trials.hpp.
#include "trials.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "installation.hpp"
#include "shared_file.hpp"

namespace ashlar::app {
namespace {

constexpr int report_descriptor = 3;

class opened {
public:
    explicit opened(const char* path, int flags) : fd_(open(path, flags | O_CLOEXEC)) {}
    ~opened() {
        if (fd_ >= 0) close(fd_);
    }
    opened(const opened&) = delete;
    opened& operator=(const opened&) = delete;
    int descriptor() const { return fd_; }

private:
    int fd_;
};

/// A file given as our standard input is read from its beginning by every run; what can be read only once is not read.
const char* input_path() {
    struct stat about {};
    return fstat(STDIN_FILENO, &about) == 0 && S_ISREG(about.st_mode) ? "/proc/self/fd/0" : "/dev/null";
}

ending ending_of(int status) { return status > 128 && status <= 128 + 64 ? ending{true, status - 128} : ending{false, status}; }

trial_cost parse(const shared_file& report) {
    const shared_bytes bytes(report.descriptor(), false);
    const auto told = nlohmann::json::parse(bytes.data(), bytes.data() + bytes.size(), nullptr, false);
    if (!told.is_object()) throw failure(failed, "the launcher of measured runs gave no figures");
    trial_cost cost;
    cost.wall = 1e9 * told.value("seconds", 0.0);
    cost.cpu = 1e9 * (told.value("user", 0.0) + told.value("sys", 0.0));
    cost.peak_memory = 1024 * told.value("max_rss_kib", 0.0);
    cost.how = ending_of(told.value("status", 0));
    return cost;
}

}  // namespace

trial_cost trials::run(const trial_malloc& under) const {
    const shared_file report;
    const opened input(input_path(), O_RDONLY);
    const opened output("/dev/null", O_WRONLY);
    environment variables;
    std::vector<std::string> words{"ashlar-launch", "--report-fd", std::to_string(report_descriptor), "--timeout", "86400"};
    if (!under.library.empty()) {
        // Ours goes before what the user preloads, and into the program only: the launcher stays as it is.
        const std::string users = variables.value("LD_PRELOAD");
        words.insert(words.end(), {"--preload", users.empty() ? under.library : under.library + ":" + users});
        if (!under.conf_file.empty()) variables.set("ASHLAR_CONF", under.conf_file);
    }
    if (!under.tunables.empty()) variables.set("GLIBC_TUNABLES", under.tunables);
    words.emplace_back("--");
    words.insert(words.end(), program_.begin(), program_.end());
    start_options how;
    how.input = input.descriptor();
    how.output = output.descriptor();
    how.error = output.descriptor();
    how.descriptors = {{report.descriptor(), report_descriptor}};
    how.in_our_place = false;
    wait_at_most(start(launcher(), words, variables, how), UINT64_MAX);
    return parse(report);
}

void trials::alternate(std::vector<trial_kind>& kinds, unsigned rounds, const std::function<void(unsigned)>& progress) {
    for (unsigned round = 0; round < rounds; ++round) {
        progress(round);
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            // Whoever comes second finds warmer caches and a fuller disk buffer: take turns.
            trial_kind& kind = kinds[(i + round) % kinds.size()];
            const trial_cost cost = run(kind.under);
            kind.wall.push_back(cost.wall);
            kind.cpu.push_back(cost.cpu);
            kind.memory.push_back(cost.peak_memory);
            endings.push_back(cost.how);
        }
    }
}

}  // namespace ashlar::app
