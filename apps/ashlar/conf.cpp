// See conf.hpp.
#include "conf.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <system_error>

#include <fmt/core.h>

#include "ashlar/malloc/conf_file.hpp"
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

void check_conf(const std::string& text, const std::string& file) {
    if (text.size() > malloc::longest_conf) throw failure(wrong_use, fmt::format("{}: is longer than {} bytes, which is all that the malloc reads", file, malloc::longest_conf));
    const auto conf = std::make_unique<malloc::conf_file>();
    if (conf->parse(text)) return;
    throw failure(wrong_use, fmt::format("{}:{}: {}: '{}'", file, conf->problem().line, conf->problem().what, printable(conf->problem().word)));
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
