// See conf.hpp.
#include "conf.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

#include <fmt/core.h>

#include "ashlar/malloc/conf.hpp"
#include "ashlar/malloc/site_rules.hpp"
#include "failure.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

std::string whole_text(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) throw failure(wrong_use, path + ": is a directory, not a conf");
    // It is read again by every process that the program starts: a pipe would be empty by then, a device may have no end.
    if (path != "/dev/null" && std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
        throw failure(wrong_use, path + ": is not a regular file, which a conf must be");
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file.is_open() || file.bad()) {
        throw failure(wrong_use, fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
    }
    return text.str();
}

/// What the malloc reads of a conf at most, in its first call and without memory of its own (src/malloc/settings.cpp).
constexpr std::size_t longest_conf = 8191;

void check_conf(const std::string& text, const std::string& file) {
    if (text.size() > longest_conf) throw failure(wrong_use, fmt::format("{}: is longer than {} bytes, which is all that the malloc reads", file, longest_conf));
    malloc::options ignored;
    malloc::site_rules rules;
    std::optional<malloc::conf_problem> first;  // read_conf is the malloc's own: nothing may be thrown through it
    malloc::read_conf(text, '\n', ignored, [&](const malloc::conf_problem& problem) noexcept {
        if (!first) first = problem;
    }, rules);
    if (first) throw failure(wrong_use, fmt::format("{}:{}: {}: '{}'", file, first->line, first->what, printable(first->word)));
}

}  // namespace

std::string use_conf(environment& variables, const std::string& path) {
    const char* named = std::getenv("ASHLAR_CONF");
    const std::string file = !path.empty() ? path : named != nullptr ? named : "";
    if (file.empty()) return "";
    std::string text = whole_text(file);
    check_conf(text, file);
    // Absolute, because the program may change its folder before it starts another one.
    variables.set("ASHLAR_CONF", std::filesystem::absolute(file).string());
    return text;
}

}  // namespace ashlar::app
