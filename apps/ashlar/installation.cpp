// Found from the executable's own place, so that a build tree, an installation and a copied folder all work.
#include "installation.hpp"

#include <filesystem>
#include <initializer_list>
#include <system_error>

#include <fmt/core.h>

#include "failure.hpp"

namespace ashlar::app {
namespace {

namespace fs = std::filesystem;

std::string belonging(std::initializer_list<const char*> folders, const std::string& file) {
    const fs::path prefix = fs::path(own_executable()).parent_path().parent_path();
    for (const auto* folder : folders) {
        const fs::path candidate = prefix / folder / file;
        std::error_code ignored;
        if (fs::exists(candidate, ignored)) return candidate.string();
    }
    throw failure(failed, fmt::format("{} is missing: it belongs in {}", file, (prefix / *folders.begin()).string()));
}

}  // namespace

std::string own_executable() {
    std::error_code error;
    const fs::path path = fs::read_symlink("/proc/self/exe", error);
    if (error) throw failure(failed, "cannot tell where this executable lies: " + error.message());
    return path.string();
}

std::string own_library(const std::string& file) { return belonging({"lib", ASHLAR_LIBRARY_FOLDER}, file); }

std::string launcher() { return belonging({"lib", ASHLAR_LIBRARY_FOLDER}, "ashlar-launch"); }

}  // namespace ashlar::app
