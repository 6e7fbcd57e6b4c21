// See shared_file.hpp.
#include "shared_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "failure.hpp"

namespace ashlar::app {
namespace {

[[noreturn]] void give_up() {
    throw failure(failed, std::string("no memory for the replay: ") + std::strerror(errno));
}

}  // namespace

shared_file::shared_file() {
    // Numbers from 10 up: a worker's descriptors 3 to 6 are then never in the way of one another.
    const int low = memfd_create("ashlar", MFD_CLOEXEC);
    fd_ = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 10);
    if (low >= 0) close(low);
    if (fd_ < 0) give_up();
}

shared_file::~shared_file() {
    if (fd_ >= 0) close(fd_);
}

void shared_file::resize(std::size_t size) {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) give_up();
}

void shared_file::append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(fd_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) give_up();
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

void shared_file::write_at(std::size_t offset, std::span<const std::byte> bytes) {
    if (pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) != static_cast<ssize_t>(bytes.size())) give_up();
}

shared_bytes::shared_bytes(int descriptor, bool writable) {
    struct stat about {};
    if (fstat(descriptor, &about) != 0) give_up();
    if (about.st_size == 0) return;
    const auto size = static_cast<std::size_t>(about.st_size);
    void* at = mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0);
    if (at == MAP_FAILED) give_up();
    bytes_ = {static_cast<std::byte*>(at), size};
}

shared_bytes::~shared_bytes() {
    if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

}  // namespace ashlar::app
