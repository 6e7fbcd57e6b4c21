// How a program is found and what kind of file it is. Only ELF files of this machine's word size are looked
// into: for any other the kernel's own word on it, given when it is started, is better than a guess here.
#include "program.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string_view>

#include <fmt/core.h>

#include "failure.hpp"

namespace ashlar::app {
namespace {

enum class fitness { missing, unusable, executable };

fitness look_at(const std::string& path) {
    struct stat about {};
    if (stat(path.c_str(), &about) != 0) return errno == EACCES ? fitness::unusable : fitness::missing;
    if (!S_ISREG(about.st_mode)) return fitness::unusable;
    return access(path.c_str(), X_OK) == 0 ? fitness::executable : fitness::unusable;
}

std::string why_unusable(const std::string& path) {
    struct stat about {};
    if (stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) return "it is a directory";
    return "permission denied";
}

class file_descriptor {
public:
    explicit file_descriptor(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~file_descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    file_descriptor(const file_descriptor&) = delete;
    file_descriptor& operator=(const file_descriptor&) = delete;

    bool read_at(void* to, std::size_t size, off_t offset) const {
        return fd_ >= 0 && pread(fd_, to, size, offset) == static_cast<ssize_t>(size);
    }
    std::string first_line() const {
        std::array<char, 256> text{};
        const ssize_t got = fd_ >= 0 ? pread(fd_, text.data(), text.size(), 0) : -1;
        const std::string_view all(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
        return std::string(all.substr(0, all.find('\n')));
    }

private:
    int fd_;
};

enum class linkage { unknown, dynamic, fixed };

/// `loader`, if it is not null, gets the name of the dynamic loader.
linkage linkage_of(const file_descriptor& file, std::string* loader = nullptr) {
    Elf64_Ehdr head{};
    if (!file.read_at(&head, sizeof head, 0) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return linkage::unknown;
    if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof(Elf64_Phdr)) return linkage::unknown;
    for (unsigned i = 0; i < head.e_phnum; ++i) {
        Elf64_Phdr part{};
        if (!file.read_at(&part, sizeof part, static_cast<off_t>(head.e_phoff + i * sizeof part))) return linkage::unknown;
        if (part.p_type != PT_INTERP) continue;
        std::array<char, 256> name{};
        if (loader != nullptr && part.p_filesz < name.size() && file.read_at(name.data(), part.p_filesz, static_cast<off_t>(part.p_offset))) *loader = name.data();
        return linkage::dynamic;
    }
    return linkage::fixed;
}

/// The program of a "#!" line; for `env NAME` the one that NAME means. "" if the line is none.
std::string interpreter_of(const std::string& line) {
    if (line.rfind("#!", 0) != 0) return "";
    std::istringstream words(line.substr(2));
    std::string first;
    std::string second;
    words >> first >> second;
    const bool by_env = first.size() >= 4 && first.compare(first.size() - 4, 4, "/env") == 0;
    if (!by_env || second.empty() || second.front() == '-') return first;
    try {
        return find_program(second);
    } catch (const failure&) {
        return first;  // env itself will say it better
    }
}

}  // namespace

std::string find_program(const std::string& name) {
    if (name.empty()) throw failure(not_found, "the program's name is empty");
    const auto refuse = [&](const std::string& path) -> failure {
        return {not_executable, fmt::format("{}: cannot be executed: {}", path, why_unusable(path))};
    };
    if (name.find('/') != std::string::npos) {
        switch (look_at(name)) {
            case fitness::executable: return name;
            case fitness::unusable: throw refuse(name);
            case fitness::missing: throw failure(not_found, name + ": no such program");
        }
    }
    const char* path = std::getenv("PATH");
    std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
    std::string unusable;
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
        const auto found = look_at(candidate);
        if (found == fitness::executable) return candidate;
        if (found == fitness::unusable && unusable.empty()) unusable = candidate;
    }
    if (!unusable.empty()) throw refuse(unusable);
    throw failure(not_found, name + ": no such program in PATH");
}

std::string preload_obstacle(const std::string& path) {
    std::string file = path;
    for (int depth = 0; depth < 4; ++depth) {  // a script's interpreter may be a script; the kernel allows four
        struct stat about {};
        if (stat(file.c_str(), &about) != 0) return "";
        // A file's capabilities put the loader in secure mode just as these bits do; root is not spared.
        const bool raises_user = (about.st_mode & S_ISUID) != 0 && about.st_uid != getuid();
        const bool raises_group = (about.st_mode & S_ISGID) != 0 && (about.st_mode & S_IXGRP) != 0 && about.st_gid != getgid();
        if (raises_user || raises_group) return "it runs with another user's rights (setuid), where preloading is not allowed";
        if (getuid() != 0 && getxattr(file.c_str(), "security.capability", nullptr, 0) > 0) {
            return "it has file capabilities, with which preloading is not allowed";
        }
        const file_descriptor opened(file);
        if (linkage_of(opened) == linkage::fixed) return "it is linked statically, so nothing can be preloaded into it";
        const std::string interpreter = interpreter_of(opened.first_line());
        if (interpreter.empty()) return "";
        file = interpreter;
    }
    return "";
}

std::string loader_of(const std::string& path) {
    std::string loader;
    linkage_of(file_descriptor(path), &loader);
    return loader;
}

}  // namespace ashlar::app
