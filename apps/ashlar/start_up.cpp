// See start_up.hpp.
#include "start_up.hpp"

#include <unistd.h>

#include <span>
#include <string_view>

#include <fmt/core.h>

#include "ashlar/observe/replay_statistics.hpp"
#include "process.hpp"
#include "program.hpp"
#include "shared_file.hpp"
#include "trials.hpp"

namespace ashlar::app {

std::vector<std::string> run_time_libraries(const std::string& executable) {
    const std::string loader = loader_of(executable);
    if (loader.empty()) return {};
    const shared_file list;
    environment variables;
    variables.remove("LD_PRELOAD");
    start_options how;
    how.output = how.error = list.descriptor();
    how.in_our_place = false;
    wait_at_most(start(loader, {loader, "--list", executable}, variables, how), 10'000);
    const shared_bytes told(list.descriptor(), false);
    const std::string_view text(reinterpret_cast<const char*>(told.data()), told.size());
    std::vector<std::string> found;
    for (const char* name : {"libstdc++.so.6", "libgcc_s.so.1", "libm.so.6"}) {
        if (text.find(name) != std::string_view::npos) found.emplace_back(name);
    }
    return found;
}

start_up::start_up(const std::vector<std::string>& libraries) {
    for (const auto& library : libraries) libraries_ += (libraries_.empty() ? "" : ":") + library;
    alone_ = peak(libraries_, "");
}

std::uint64_t start_up::bytes_of(const replay_engine& engine) const {
    if (engine.library.empty()) return 0;
    const double with = peak(libraries_.empty() ? engine.library : engine.library + ":" + libraries_, engine.conf);
    return with > alone_ ? static_cast<std::uint64_t>(with - alone_) : 0;
}

double start_up::peak(const std::string& library, const std::string& conf) const {
    shared_file options;  // empty, it stands before what the user's own ASHLAR_CONF says
    options.append(std::as_bytes(std::span(conf)));
    const trials shell({"/bin/sh", "-c", ":"});
    const trial_malloc under{library, fmt::format("/proc/{}/fd/{}", getpid(), options.descriptor())};
    std::vector<double> seen;
    for (int run = 0; run < 3; ++run) {
        const auto cost = shell.run(under);
        if (!cost.how.good()) return 0;
        seen.push_back(cost.peak_memory);
    }
    return median(seen);
}

}  // namespace ashlar::app
