// See progress.hpp.
#include "progress.hpp"

#include <unistd.h>

#include <cstdio>

#include <fmt/core.h>

namespace ashlar::app {

progress::progress(const std::string& what)
    : what_(what), began_(clock::now()), shown_(began_), terminal_(isatty(STDERR_FILENO) == 1) {}

progress::~progress() {
    if (written_) fmt::print(stderr, "\r\033[K");
}

void progress::show(const std::string& detail, double share) {
    const auto now = clock::now();
    if (!terminal_ || now - began_ < std::chrono::seconds(2) || now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    written_ = true;
    fmt::print(stderr, "\r\033[K{}: {:.0f} % ({})", what_, 100 * share, detail);
    std::fflush(stderr);
}

}  // namespace ashlar::app
