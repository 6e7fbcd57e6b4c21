#include "file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "failure.hpp"

namespace ashlar::app {
namespace {

using text_writer = std::function<void(const std::function<void(std::string_view)>&)>;

/// @returns 0 or the error.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return 0;
}

/// The same of pieces; a writer that throws leaves the file to its caller.
int write_pieces(int fd, const text_writer& writer) {
    int error = 0;
    writer([&](std::string_view piece) {
        if (error == 0) error = write_all(fd, piece);
    });
    return error;
}

int write_directly(const std::string& path, const text_writer& writer) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return errno;
    const int error = write_pieces(fd, writer);
    return ::close(fd) != 0 && error == 0 ? errno : error;
}

/// The mode that open() would have given a new file: mkstemp's 0600 would hide a report from the user's
/// group.
mode_t usual_mode() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666 & ~mask;
}

int write_beside(const std::string& path, const text_writer& writer) {
    std::string temporary = path + ".XXXXXX";
    const int fd = ::mkstemp(temporary.data());
    if (fd < 0) return errno;
    int error = 0;
    try {
        error = write_pieces(fd, writer);
    } catch (...) {
        ::close(fd);
        ::unlink(temporary.c_str());
        throw;
    }
    if (error == 0 && ::fchmod(fd, usual_mode()) != 0) error = errno;
    // Some file systems report a full disk only here.
    if (::close(fd) != 0 && error == 0) error = errno;
    if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
    if (error != 0) ::unlink(temporary.c_str());
    return error;
}

[[noreturn]] void cannot_write(const std::string& path, int error) {
    throw failure(failed, "cannot write '" + path + "': " + std::strerror(error));
}

}  // namespace

void check_writable(const std::string& path) {
    struct stat there {};
    const bool exists = ::stat(path.c_str(), &there) == 0;
    if (path.empty()) cannot_write(path, ENOENT);
    if (exists && S_ISDIR(there.st_mode)) cannot_write(path, EISDIR);
    if (exists && ::access(path.c_str(), W_OK) != 0) cannot_write(path, errno);
    if (exists && !S_ISREG(there.st_mode)) return;
    const std::string folder = std::filesystem::absolute(path).parent_path().string();
    if (::access(folder.c_str(), W_OK | X_OK) != 0) cannot_write(path, errno);
}

void check_room(const std::string& path, std::size_t bytes) {
    struct stat there {};
    const bool replaced = ::stat(path.c_str(), &there) == 0;  // its space will be free
    std::string name = path + ".XXXXXX";
    const int fd = ::mkstemp(name.data());
    if (fd < 0) cannot_write(path, errno);
    ::unlink(name.c_str());
    rlimit most{};
    ::getrlimit(RLIMIT_FSIZE, &most);  // passing it would be a signal
    int error = most.rlim_cur < bytes ? EFBIG : ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    if (error == 0) {
        void* const window = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (window == MAP_FAILED) error = errno;
        else ::munmap(window, bytes);
    }
    ::close(fd);
    if (error != 0 && !(replaced && error == ENOSPC)) cannot_write(path, error);
}

void write_file(const std::string& path, std::string_view text) {
    write_file(path, [text](const std::function<void(std::string_view)>& out) { out(text); });
}

void write_file(const std::string& path, const text_writer& writer) {
    struct stat there {};
    const bool exists = ::stat(path.c_str(), &there) == 0;
    int error = 0;
    if (path.empty()) {
        error = ENOENT;
    } else if (exists && S_ISDIR(there.st_mode)) {
        error = EISDIR;
    } else if (exists && !S_ISREG(there.st_mode)) {
        error = write_directly(path, writer);
    } else if (exists && ::access(path.c_str(), W_OK) != 0) {
        error = errno;  // renaming over a write-protected file would succeed; its owner said no
    } else {
        std::error_code unresolved;
        const auto target = std::filesystem::canonical(path, unresolved);  // a link keeps linking
        error = write_beside(unresolved ? path : target.string(), writer);
    }
    if (error != 0) cannot_write(path, error);
}

}  // namespace ashlar::app
