// ashlar/src/malloc/settings.cpp - what the user set: the file named by ASHLAR_CONF, then ASHLAR_OPTIONS.
//
// Layer:      malloc
// Complexity: once a process; no allocation.
// Failure:    a wrong line is named on standard error and ignored; so is a file that cannot be read.
// Threads:    called once, under the start lock.
// Checked by: tests/malloc/program/, tests/malloc/conf_test.cpp
//
// Runs inside the first malloc of the process: system calls directly (the C library's are cancellation points),
// no stdio, no getenv before the environment is there.
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "ashlar/malloc/conf.hpp"
#include "line.hpp"
#include "obey/sites.hpp"
#include "process.hpp"

extern "C" char** environ;

namespace ashlar::malloc {
namespace {

const char* from_environment(std::string_view name) noexcept {
    if (environ == nullptr) return nullptr;
    for (char** e = environ; *e != nullptr; ++e) {
        const std::string_view entry(*e);
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return *e + name.size() + 1;
        }
    }
    return nullptr;
}

void tell(std::string_view source, const conf_problem& problem) noexcept {
    line("ashlar: ", source, ":", problem.line, ": ", problem.what, ": ", problem.word, "; ignored").print();
}

/// @returns how many bytes of the file are in text; negative if it cannot be read
long read_file(const char* path, char* text, std::size_t size) noexcept {
    const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    std::size_t length = 0;
    long got = 0;
    while (length < size && (got = syscall(SYS_read, file, text + length, size - length)) > 0) {
        length += static_cast<std::size_t>(got);
    }
    syscall(SYS_close, file);
    return got < 0 ? -1 : static_cast<long>(length);
}

template <class Rules>
void read_conf_file(const char* path, char* text, options& into, Rules& rules) noexcept {
    const long length = read_file(path, text, longest_conf + 1);
    if (length < 0) return line("ashlar: ", path, ": cannot be read; the defaults are used").print();
    if (length > static_cast<long>(longest_conf)) return line("ashlar: ", path, ": longer than 8 KiB; the defaults are used").print();
    read_conf({text, static_cast<std::size_t>(length)}, '\n', into,
              [path](const conf_problem& problem) { tell(path, problem); }, rules);
}

void read_conf_file(const char* path, options& into) noexcept {
    if constexpr (obeys) {
        static char text[longest_conf + 1];  // the rules point into it
        read_conf_file(path, text, into, the_site_rules);
    } else {
        char text[longest_conf + 1];
        no_site_rules rules;
        read_conf_file(path, text, into, rules);
    }
}

}  // namespace

options read_settings() noexcept {
    options chosen;
    if (getauxval(AT_SECURE) != 0) return chosen;  // whoever starts a privileged program does not configure it
    const int saved = errno;
    const char* path = from_environment("ASHLAR_CONF");
    if (path != nullptr && *path != '\0') read_conf_file(path, chosen);
    if (const char* text = from_environment("ASHLAR_OPTIONS")) {
        read_conf(text, ',', chosen, [](const conf_problem& problem) { tell("ASHLAR_OPTIONS", problem); });
    }
    errno = saved;
    return chosen;
}

}  // namespace ashlar::malloc
