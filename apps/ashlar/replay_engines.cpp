// See replay_engines.hpp.
#include "replay_engines.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>

#include <fmt/core.h>

#include "failure.hpp"
#include "installation.hpp"
#include "replay_strategies.hpp"

namespace ashlar::app {
namespace {

struct peer {
    const char* name;
    const char* library;
};
constexpr std::array peers{
    peer{"mimalloc", "libmimalloc.so.2"},
    peer{"jemalloc", "libjemalloc.so.2"},
    peer{"tcmalloc", "libtcmalloc_minimal.so.4"},
    peer{"tbbmalloc", "libtbbmalloc_proxy.so.2"},
};

/// Whether the library lies where distributions put it. Not dlopen: a second malloc must not come to live here.
bool installed(const char* library) {
    for (const char* folder : {"/usr/lib/x86_64-linux-gnu/", "/usr/lib/aarch64-linux-gnu/", "/usr/lib64/", "/usr/lib/", "/usr/local/lib/"}) {
        if (std::FILE* file = std::fopen((std::string(folder) + library).c_str(), "re")) {
            std::fclose(file);
            return true;
        }
    }
    return false;
}

}  // namespace

replay_engine null_engine() { return {"none", "none", "", ""}; }

replay_engine host_engine() { return {"system", "strategy", "", ""}; }

replay_engine ashlar_engine(const std::string& name, const std::string& conf) {
    return {name, "ashlar", own_malloc_for(conf), conf};
}

std::vector<replay_engine> installed_peers() {
    std::vector<replay_engine> engines;
    for (const auto& known : peers) {
        if (installed(known.library)) engines.push_back({known.name, "peer", known.library, ""});
    }
    return engines;
}

std::vector<replay_engine> all_engines() {
    std::vector<replay_engine> engines;
    for (const auto& name : strategy_names()) engines.push_back({name, "strategy", "", ""});
    if (has_own_library(our_malloc)) engines.push_back(ashlar_engine("ashlar", ""));
    for (auto& peer : installed_peers()) engines.push_back(std::move(peer));
    return engines;
}

std::vector<replay_engine> chosen_engines(const std::string& list) {
    const auto all = all_engines();
    if (list.empty()) return all;
    std::vector<replay_engine> chosen;
    std::istringstream names(list);
    for (std::string name; std::getline(names, name, ',');) {
        const auto found = std::find_if(all.begin(), all.end(), [&](const auto& engine) { return engine.name == name; });
        if (found == all.end()) {
            std::string known;
            for (const auto& engine : all) known += (known.empty() ? "" : ", ") + engine.name;
            throw failure(wrong_use, fmt::format("no engine '{}' here; there are: {}", name, known));
        }
        chosen.push_back(*found);
    }
    return chosen;
}

}  // namespace ashlar::app
