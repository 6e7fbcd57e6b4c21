// ashlar/src/os/cgroup.cpp - reads the memory limits of control groups, by system calls alone.
//
// Layer:      os
// Source:     as cgroup.hpp.
// Complexity: as cgroup.hpp.
// Failure:    as cgroup.hpp.
// Threads:    any; it runs inside malloc.
// Checked by: tests/os/cgroup_test.cpp
#include "ashlar/os/cgroup.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace ashlar::os {
namespace {

constexpr std::size_t longest_path = 1024;

std::string_view read_text(const char* path, char* text, std::size_t size) noexcept {
    const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return {};
    std::size_t length = 0;
    long got = 0;
    while (length < size && (got = syscall(SYS_read, file, text + length, size - length)) > 0) {
        length += static_cast<std::size_t>(got);
    }
    syscall(SYS_close, file);
    return {text, length};
}

/// A path that is put together, and shortened from its end.
struct path {
    char text[longest_path];
    std::size_t length = 0;
    bool whole = true;

    void add(std::string_view part) noexcept {
        if (part.size() >= longest_path - length) {
            whole = false;
            return;
        }
        part.copy(text + length, part.size());
        text[length += part.size()] = '\0';
    }
};

/// The number in root/group/file; 0 for "max", for none, and for the huge numbers by which version 1 says "none".
std::size_t limit_in(std::string_view root, std::string_view group, std::string_view file) noexcept {
    path name;
    for (const std::string_view part : {root, group, std::string_view("/"), file}) name.add(part);
    char text[32];
    if (!name.whole) return 0;
    std::size_t number = 0;
    for (const char c : read_text(name.text, text, sizeof text)) {
        if (c < '0' || c > '9') break;
        if (number > static_cast<std::size_t>(-1) / 16) return 0;
        number = number * 10 + static_cast<std::size_t>(c - '0');
    }
    return number < std::size_t{1} << 60 ? number : 0;
}

/// The least number in that file of a group and of all groups around it.
std::size_t least_of(std::string_view root, std::string_view group, std::string_view file) noexcept {
    std::size_t least = 0;
    for (;;) {
        while (!group.empty() && group.back() == '/') group.remove_suffix(1);
        const std::size_t limit = limit_in(root, group, file);
        if (limit != 0 && (least == 0 || limit < least)) least = limit;
        if (group.empty()) return least;
        group = std::string_view(group.data(), group.rfind('/') == group.npos ? 0 : group.rfind('/'));
    }
}

bool lists(std::string_view controllers, std::string_view name) noexcept {
    while (!controllers.empty()) {
        const std::size_t comma = controllers.find(',');
        if (std::string_view(controllers.data(), comma < controllers.size() ? comma : controllers.size()) == name) return true;
        controllers.remove_prefix(comma < controllers.size() ? comma + 1 : controllers.size());
    }
    return false;
}

}  // namespace

std::size_t cgroup_memory_limit(const char* membership, const char* root) noexcept {
    const int saved = errno;
    char text[4096];
    std::string_view rest = read_text(membership, text, sizeof text);
    std::size_t least = 0;
    const auto note = [&least](std::size_t limit) {
        if (limit != 0 && (least == 0 || limit < least)) least = limit;
    };
    while (!rest.empty()) {  // number:controllers:group
        const std::size_t end = rest.find('\n') < rest.size() ? rest.find('\n') : rest.size();
        const std::string_view entry(rest.data(), end);
        rest.remove_prefix(end < rest.size() ? end + 1 : end);
        const std::size_t first = entry.find(':'), second = entry.find(':', first + 1);
        if (first == entry.npos || second == entry.npos) continue;
        const std::string_view controllers(entry.data() + first + 1, second - first - 1);
        const std::string_view group(entry.data() + second + 1, entry.size() - second - 1);
        if (controllers.empty()) {
            note(least_of(root, group, "memory.max"));
            note(least_of(root, group, "memory.high"));
        } else if (lists(controllers, "memory")) {
            path version_1;
            version_1.add(root);
            version_1.add("/memory");
            if (version_1.whole) note(least_of({version_1.text, version_1.length}, group, "memory.limit_in_bytes"));
        }
    }
    errno = saved;
    return least;
}

}  // namespace ashlar::os
