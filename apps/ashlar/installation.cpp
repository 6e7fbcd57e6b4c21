// Found from the executable's own place, so that a build tree, an installation and a copied folder all work.
#include "installation.hpp"

#include <filesystem>
#include <memory>
#include <system_error>

#include <fmt/core.h>

#include "ashlar/malloc/conf_file.hpp"
#include "failure.hpp"

namespace ashlar::app {
namespace {

namespace fs = std::filesystem;

fs::path prefix() { return fs::path(own_executable()).parent_path().parent_path(); }

/// @returns where the file is, "" if it is nowhere
std::string find_own(const std::string& file) {
    for (const char* folder : {"lib", ASHLAR_LIBRARY_FOLDER}) {
        const fs::path candidate = prefix() / folder / file;
        std::error_code ignored;
        if (fs::exists(candidate, ignored)) return candidate.string();
    }
    return "";
}

std::string required_own(const std::string& file) {
    const std::string path = find_own(file);
    if (path.empty()) throw failure(failed, fmt::format("{} is missing: it belongs in {}", file, (prefix() / "lib").string()));
    return path;
}

}  // namespace

std::string own_executable() {
    std::error_code error;
    const fs::path path = fs::read_symlink("/proc/self/exe", error);
    if (error) throw failure(failed, "cannot tell where this executable lies: " + error.message());
    return path.string();
}

std::string own_library(const std::string& file) { return required_own(file); }

bool has_own_library(const std::string& file) { return !find_own(file).empty(); }

std::string own_malloc_for(const std::string& conf) {
    const auto read = std::make_unique<malloc::conf_file>();
    const bool right = read->parse(conf);
    if (right && read->settings().harden == 1) return own_library(our_hardened_malloc);  // then rules for call sites rest
    return own_library(right && read->has_rules() ? our_obeying_malloc : our_malloc);
}

std::string launcher() { return required_own("ashlar-launch"); }

}  // namespace ashlar::app
