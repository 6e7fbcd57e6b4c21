// Linux. Raw system calls: the C library's open, read and close are cancellation points, and malloc is not.
#include "trace_system.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

static_assert(sizeof(void*) == 8, "offsets are passed to the kernel in one register");

namespace ashlar::trace_system {
namespace {

/// @returns what the kernel returned: the result, or a negative errno number. errno stays as it was.
template <class... Arguments>
long call(long number, Arguments... arguments) noexcept {
    const int kept = errno;
    long r = ::syscall(number, arguments...);
    if (r == -1) r = -errno;
    errno = kept;
    return r;
}

template <class... Arguments>
long call_again(long number, Arguments... arguments) noexcept {
    long r;
    do r = call(number, arguments...);
    while (r == -EINTR);
    return r;
}

bool stat_of(int file, struct stat& s) noexcept {
    return call(SYS_newfstatat, file, "", &s, AT_EMPTY_PATH) == 0;
}

/// Where the file system cannot promise space, writing zeros takes it. Nothing was written in the range before.
int write_zeros(int file, std::uint64_t offset, std::uint64_t size) noexcept {
    static const char zeros[4096] = {};
    while (size != 0) {
        const std::uint64_t part = size < sizeof zeros ? size : sizeof zeros;
        const long n = call_again(SYS_pwrite64, file, zeros, part, offset);
        if (n <= 0) return n == 0 ? ENOSPC : static_cast<int>(-n);
        offset += static_cast<std::uint64_t>(n);
        size -= static_cast<std::uint64_t>(n);
    }
    return 0;
}

std::size_t read_whole(const char* path, char* out, std::size_t room) noexcept {
    const long file = call_again(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return 0;
    std::size_t got = 0;
    while (got < room) {
        const long n = call_again(SYS_read, file, out + got, room - got);
        if (n <= 0) break;
        got += static_cast<std::size_t>(n);
    }
    call(SYS_close, file);
    return got;
}

int open_regular(const char* path, int how) noexcept {
    // O_NONBLOCK: a named pipe of that name must not make the program wait.
    how |= O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    const auto file = static_cast<int>(call_again(SYS_openat, AT_FDCWD, path, how, 0));
    if (file < 0) return file;
    struct stat s;
    const bool known = stat_of(file, s);
    if (known && S_ISREG(s.st_mode)) return file;
    call(SYS_close, file);
    return known && S_ISDIR(s.st_mode) ? -EISDIR : -EINVAL;
}

/// Whether writing there would pass the process's limit on file size, for which the kernel sends a signal.
bool is_beyond_limit(std::uint64_t offset, std::uint64_t size) noexcept {
    rlimit limit{};
    if (call(SYS_prlimit64, 0, RLIMIT_FSIZE, nullptr, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
    return size > limit.rlim_cur || offset > limit.rlim_cur - size;
}

bool is_error(long r) noexcept { return r < 0 && r > -4096; }

}  // namespace

int create(const char* path) noexcept {
    return static_cast<int>(
        call_again(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
}

int open_existing(const char* path, bool writable) noexcept {
    return open_regular(path, (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW);
}

int open_to_read(const char* path) noexcept { return open_regular(path, O_RDONLY); }

int move_high(int file) noexcept {
    rlimit limit{};
    if (call(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit) != 0) return file;
    const rlim_t top = limit.rlim_cur < 4096 ? limit.rlim_cur : 4096;
    if (top < 64) return file;
    const auto high = static_cast<int>(call(SYS_fcntl, file, F_DUPFD_CLOEXEC, static_cast<long>(top - 32)));
    if (high < 0) return file;
    close(file);
    return high;
}

void close(int file) noexcept { call(SYS_close, file); }
void hold_shared(int file) noexcept { call(SYS_flock, file, LOCK_SH | LOCK_NB); }
void let_go(int file) noexcept { call(SYS_flock, file, LOCK_UN); }
int hold_alone(int file) noexcept { return static_cast<int>(-call(SYS_flock, file, LOCK_EX | LOCK_NB)); }
void remove(const char* path) noexcept { call(SYS_unlinkat, AT_FDCWD, path, 0); }

bool identify(int file, file_identity& out) noexcept {
    struct stat s;
    if (!stat_of(file, s) || !S_ISREG(s.st_mode)) return false;
    out = {s.st_dev, s.st_ino};
    return true;
}

std::uint64_t size_of(int file) noexcept {
    struct stat s;
    return stat_of(file, s) && s.st_size > 0 ? static_cast<std::uint64_t>(s.st_size) : 0;
}

std::size_t read_at(int file, void* to, std::size_t size, std::uint64_t offset) noexcept {
    std::size_t got = 0;
    while (got < size) {
        const long n = call_again(SYS_pread64, file, static_cast<char*>(to) + got, size - got, offset + got);
        if (n <= 0) break;
        got += static_cast<std::size_t>(n);
    }
    return got;
}

bool write_at(int file, const void* from, std::size_t size, std::uint64_t offset) noexcept {
    return !is_beyond_limit(offset, size) && call_again(SYS_pwrite64, file, from, size, offset) == static_cast<long>(size);
}

std::uint64_t next_data(int file, std::uint64_t offset) noexcept {
    const long n = call(SYS_lseek, file, offset, SEEK_DATA);
    if (n >= 0) return static_cast<std::uint64_t>(n);
    return n == -ENXIO ? size_of(file) : offset;
}

int rename_to_new(const char* from, const char* to) noexcept {
    const long r = call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (r != -EINVAL && r != -ENOSYS) return static_cast<int>(-r);
    // File systems without that flag: a second name, which fails if it is taken, and then the first one goes.
    if (const long l = call(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0); l != 0) return static_cast<int>(-l);
    remove(from);
    return 0;
}

int reserve_space(int file, std::uint64_t offset, std::uint64_t size) noexcept {
    if (is_beyond_limit(offset, size)) return EFBIG;
    const auto r = static_cast<int>(call_again(SYS_fallocate, file, 0, offset, size));
    return r == -EOPNOTSUPP || r == -ENOSYS ? write_zeros(file, offset, size) : -r;
}

std::byte* map_window(int file, std::uint64_t offset, std::size_t size) noexcept {
    // Populated at once: one call instead of a fault for each page.
    const long r = call(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, offset);
    return is_error(r) ? nullptr : reinterpret_cast<std::byte*>(r);
}

void unmap_window(std::byte* window, std::size_t size) noexcept { call(SYS_munmap, window, size); }

std::byte* map_wiped_on_fork(std::size_t size) noexcept {
    const long r = call(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is_error(r)) return nullptr;
    if (call(SYS_madvise, r, size, MADV_WIPEONFORK) != 0) {
        call(SYS_munmap, r, size);
        return nullptr;
    }
    return reinterpret_cast<std::byte*>(r);
}

std::uint32_t process() noexcept { return static_cast<std::uint32_t>(call(SYS_getpid)); }
std::uint32_t parent() noexcept { return static_cast<std::uint32_t>(call(SYS_getppid)); }
std::uint32_t os_thread() noexcept { return static_cast<std::uint32_t>(call(SYS_gettid)); }
bool has_borrowed_rights() noexcept { return getauxval(AT_SECURE) != 0; }

/// @returns field 22 of the file; 0 if it is not there or tells of a process that has ended
static std::uint64_t start_told_by(const char* path) noexcept {
    char text[1024];
    const std::size_t n = read_whole(path, text, sizeof text);
    // Counted from behind the last ')': the program's name may hold anything.
    std::size_t at = n;
    while (at > 0 && text[at - 1] != ')') --at;
    if (at + 1 < n && (text[at + 1] == 'Z' || text[at + 1] == 'X')) return 0;
    for (int field = 1; field < 21 && at < n; ++at) field += text[at] == ' ';
    std::uint64_t value = 0;
    for (; at < n && text[at] >= '0' && text[at] <= '9'; ++at) {
        value = value * 10 + static_cast<std::uint64_t>(text[at] - '0');
    }
    return value;
}

std::uint64_t process_start() noexcept { return start_told_by("/proc/self/stat"); }

std::uint64_t process_start(std::uint32_t process) noexcept {
    char path[32] = "/proc/";
    char digits[12];
    char* at = digits + sizeof digits;
    do *--at = static_cast<char>('0' + process % 10);
    while ((process /= 10) != 0);
    const auto length = static_cast<std::size_t>(digits + sizeof digits - at);
    std::memcpy(path + 6, at, length);
    std::memcpy(path + 6 + length, "/stat", 6);
    return start_told_by(path);
}

bool memory_of_process(std::uint64_t& resident, std::uint64_t& committed) noexcept {
    char text[192];
    const std::size_t n = read_whole("/proc/self/statm", text, sizeof text);
    const std::uint64_t page = getauxval(AT_PAGESZ);
    std::uint64_t value = 0;
    int field = 0;  // size resident shared text lib data dt
    for (std::size_t at = 0; at < n; ++at) {
        if (text[at] >= '0' && text[at] <= '9') {
            value = value * 10 + static_cast<std::uint64_t>(text[at] - '0');
            continue;
        }
        if (field == 1) resident = value * page;
        if (field == 5) committed = value * page;
        ++field;
        value = 0;
    }
    return field > 5;
}

void thread_name(char (&out)[16]) noexcept {
    std::memset(out, 0, sizeof out);
    call(SYS_prctl, PR_GET_NAME, out, 0, 0, 0);
}

std::size_t command_line(char* out, std::size_t room, bool& cut) noexcept {
    const std::size_t n = read_whole("/proc/self/cmdline", out, room);
    cut = n == room && n != 0 && out[n - 1] != 0;
    return n;
}

std::size_t executable(char* out, std::size_t room) noexcept {
    const long n = call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", out, room);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

std::size_t working_directory(char* out, std::size_t room) noexcept {
    const long n = call(SYS_getcwd, out, room);
    return n > 1 && out[0] == '/' ? static_cast<std::size_t>(n - 1) : 0;
}

void yield() noexcept { call(SYS_sched_yield); }

}  // namespace ashlar::trace_system
