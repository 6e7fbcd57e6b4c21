// ashlar/src/os/linux.cpp - the platform contract on Linux 4.14 and later.
//
// Layer:      os
// Source:     mmap(2), mprotect(2), madvise(2), mremap(2), membarrier(2); Linux Documentation/vm/overcommit-accounting.
// Complexity: a system call each; reserve at an alignment above a page at most five.
// Failure:    as platform.hpp: a refusal changes nothing.
// Threads:    any, at any time of the process.
// Invariants: linux.I1  errno is the caller's when a function returns
//             linux.I2  nothing here allocates, throws, or is a cancellation point
// Checked by: tests/os/platform_test.cpp, tests/os/platform_error_test.cpp, tests/os/limits_test.cpp
// Long:       a port is one file.
//
// This file lies below malloc. Calls that the C library makes a cancellation point (open, read, write, close)
// go straight to the kernel: a thread must not be cancelled inside malloc.
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/os/platform.hpp"
#include "keep_errno.hpp"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14; Debian 12's headers know it, older ones do not
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // Linux 6.13
#define MADV_GUARD_REMOVE 103
#endif

namespace ashlar::os {
namespace {

bool whole_pages(const std::byte* p, std::size_t size) noexcept {
    return size != 0 && is_aligned(size, page_size()) && is_aligned(p, page_size());
}

/// Address space only: not accessible, and charged to nobody even where overcommit is forbidden, because it
/// cannot be written. `wish` is a hint that the kernel may ignore.
std::byte* map_reserved(std::byte* wish, std::size_t size) noexcept {
    void* p = mmap(wish, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

/// The first size bytes of a file of /proc or /sys, ended by a zero. @returns their number, 0 if there are none
std::size_t read_start(const char* path, char* text, std::size_t size) noexcept {
    // linux.I2: the C library's open, read and close are cancellation points, these are not
    const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const long got = syscall(SYS_read, file, text, size - 1);
    syscall(SYS_close, file);
    const std::size_t length = got > 0 ? static_cast<std::size_t>(got) : 0;
    text[length] = '\0';
    return length;
}

/// The decimal number at `text`, which is moved behind it.
std::size_t take_number(const char*& text) noexcept {
    std::size_t value = 0;
    for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + static_cast<std::size_t>(*text - '0');
    return value;
}

std::size_t find_huge_page_size() noexcept {
    char text[64];
    if (read_start("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text) == 0) return 0;
    for (const char* c = text; *c != '\0'; ++c) {
        if (c[0] == '[' && c[1] == 'n') return 0;  // always madvise [never]
    }
    if (read_start("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", text, sizeof text) == 0) return 0;
    const char* rest = text;
    return take_number(rest);
}

std::uint32_t find_cpu_count() noexcept {
    unsigned long mask[1024 / sizeof(unsigned long) * 8 / CHAR_BIT];  // 8,192 processors
    const long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int count = 0;
    for (long i = 0; i < bytes / static_cast<long>(sizeof(unsigned long)); ++i) {
        count += __builtin_popcountl(mask[i]);
    }
    return count > 0 ? static_cast<std::uint32_t>(count) : 1;
}

/// Calls find once and remembers what it gave; two threads may both call it, and get the same.
template <class T>
T once(std::atomic<T>& memory, T (*find)() noexcept) noexcept {
    constexpr T unknown = static_cast<T>(-1);
    T value = memory.load(std::memory_order_relaxed);  // the value stands alone: nothing is published by it
    if (value == unknown) {
        const keep_errno guard;
        value = find();
        memory.store(value, std::memory_order_relaxed);
    }
    return value;
}

}  // namespace

std::size_t page_size() noexcept {
    static constinit std::atomic<std::size_t> memory{static_cast<std::size_t>(-1)};
    return once(memory, +[]() noexcept { return static_cast<std::size_t>(getauxval(AT_PAGESZ)); });
}

std::size_t huge_page_size() noexcept {
    static constinit std::atomic<std::size_t> memory{static_cast<std::size_t>(-1)};
    return once(memory, &find_huge_page_size);
}

result<block> reserve(std::size_t size, std::size_t align) noexcept {
    ASHLAR_PRE(size != 0 && is_aligned(size, page_size()) && is_power_of_two(align));
    const keep_errno guard;
    std::byte* p = map_reserved(nullptr, size);
    if (p == nullptr) return alloc_error{};
    if (is_aligned(p, align)) return block{p, size};
    munmap(p, size);
    // Mappings grow downwards, so the room below p is most likely free: this needs no address space beyond
    // `size`, which counts under a limit (RLIMIT_AS).
    p = map_reserved(reinterpret_cast<std::byte*>(align_down(reinterpret_cast<std::uintptr_t>(p),
                                                             static_cast<std::uintptr_t>(align))), size);
    if (p == nullptr) return alloc_error{};
    if (is_aligned(p, align)) return block{p, size};
    munmap(p, size);
    const std::size_t slack = align - page_size();
    if (add_wraps(size, slack)) return alloc_error{};
    p = map_reserved(nullptr, size + slack);
    if (p == nullptr) return alloc_error{};
    const std::size_t before = padding_to(p, align);
    if (before != 0) munmap(p, before);
    if (before != slack) munmap(p + before + size, slack - before);
    return block{p + before, size};
}

result<block> reserve_up_to(std::size_t most, std::size_t least, std::size_t align) noexcept {
    ASHLAR_PRE(least <= most && least != 0 && is_aligned(least, page_size()));
    for (std::size_t size = most;;) {
        const auto granted = reserve(size, align);
        if (granted || size == least) return granted;
        const std::size_t half = align_down(size / 2, page_size());
        size = half > least ? half : least;
    }
}

bool commit(std::byte* p, std::size_t size) noexcept { return protect(p, size, access::read_write); }

bool decommit(std::byte* p, std::size_t size) noexcept {
    ASHLAR_PRE(whole_pages(p, size));
    const keep_errno guard;
    // Mapped anew rather than madvise and mprotect: only this takes the charge back where overcommit is
    // forbidden, it is one call, and the kernel joins the range with reserved neighbours.
    return mmap(p, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

bool purge(std::byte* p, std::size_t size) noexcept {
    ASHLAR_PRE(whole_pages(p, size));
    const keep_errno guard;
    return madvise(p, size, MADV_DONTNEED) == 0;
}

bool release(std::byte* p, std::size_t size) noexcept {
    ASHLAR_PRE(whole_pages(p, size));
    const keep_errno guard;
    return munmap(p, size) == 0;
}

result<block> remap(std::byte* p, std::size_t old_size, std::size_t new_size, bool may_move) noexcept {
    ASHLAR_PRE(whole_pages(p, old_size) && whole_pages(p, new_size));
    const keep_errno guard;
    void* q = mremap(p, old_size, new_size, may_move ? MREMAP_MAYMOVE : 0);
    if (q == MAP_FAILED) return alloc_error{};
    return block{static_cast<std::byte*>(q), new_size};
}

bool protect(std::byte* p, std::size_t size, access allowed) noexcept {
    ASHLAR_PRE(whole_pages(p, size));
    const keep_errno guard;
    const int bits = allowed == access::none ? PROT_NONE
                     : allowed == access::read ? PROT_READ
                                               : PROT_READ | PROT_WRITE;
    return mprotect(p, size, bits) == 0;
}

bool populate(std::byte* p, std::size_t size) noexcept {
    ASHLAR_PRE(whole_pages(p, size));
    const keep_errno guard;
    if (madvise(p, size, MADV_POPULATE_WRITE) == 0) return true;
    // An empty range tells a kernel that does not know the advice from one that refuses this range.
    if (madvise(p, 0, MADV_POPULATE_WRITE) == 0) return false;
    // A kernel before 5.14: write every page without changing it, even if another thread writes to it now.
    for (std::size_t at = 0; at < size; at += page_size()) {
        __atomic_fetch_or(reinterpret_cast<unsigned char*>(p + at), static_cast<unsigned char>(0), __ATOMIC_RELAXED);
    }
    return true;
}

bool advise(std::byte* p, std::size_t size, advice wish) noexcept {
    ASHLAR_PRE(whole_pages(p, size));
    const keep_errno guard;
    switch (wish) {
        case advice::huge_pages: return madvise(p, size, MADV_HUGEPAGE) == 0;
        case advice::no_huge_pages: return madvise(p, size, MADV_NOHUGEPAGE) == 0;
        case advice::dump: return madvise(p, size, MADV_DODUMP) == 0;
        case advice::no_dump: return madvise(p, size, MADV_DONTDUMP) == 0;
        case advice::guard: return madvise(p, size, MADV_GUARD_INSTALL) == 0;
        case advice::no_guard: return madvise(p, size, MADV_GUARD_REMOVE) == 0;
    }
    return false;
}

std::uint32_t thread_id() noexcept { return static_cast<std::uint32_t>(syscall(SYS_gettid)); }

std::uint32_t cpu_id() noexcept {
    const keep_errno guard;
    const int cpu = sched_getcpu();
    return cpu >= 0 ? static_cast<std::uint32_t>(cpu) : 0;
}

std::uint32_t cpu_count() noexcept {
    static constinit std::atomic<std::uint32_t> memory{static_cast<std::uint32_t>(-1)};
    return once(memory, &find_cpu_count);
}

bool fence_all_threads() noexcept {
    const keep_errno guard;
    const auto call = [](int command) { return syscall(SYS_membarrier, command, 0, 0) == 0; };
    if (call(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return true;
    // The first time the process must say that it will ask.
    return errno == EPERM && call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) && call(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

std::size_t address_space_limit() noexcept {
    const keep_errno guard;
    rlimit limit{};
    return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : SIZE_MAX;
}

std::uint64_t random_word() noexcept {
    const keep_errno guard;
    constexpr int do_not_wait = 1;  // GRND_NONBLOCK, whose header is younger than the oldest system served
    std::uint64_t word = 0;
    if (syscall(SYS_getrandom, &word, sizeof word, do_not_wait) == sizeof word && word != 0) return word;
    // Refused (a seccomp filter, too early in the boot): what the kernel gave the process at its start, and the clock.
    const auto* given = reinterpret_cast<const unsigned char*>(getauxval(AT_RANDOM));
    word = now_ns() ^ reinterpret_cast<std::uintptr_t>(&word);
    for (int i = 0; given != nullptr && i < 16; ++i) word = (word ^ given[i]) * 0x9e3779b97f4a7c15u;
    word ^= word >> 29;
    return word != 0 ? word : 1;
}

std::uint64_t now_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

std::size_t resident_bytes() noexcept {
    const keep_errno guard;
    char text[128];
    if (read_start("/proc/self/statm", text, sizeof text) == 0) return 0;
    const char* rest = text;
    take_number(rest);  // the first number is the address space
    if (*rest == ' ') ++rest;
    return take_number(rest) * page_size();
}

namespace {
/// What standard error was. A program that closes all it finds may have given the number to a file of its own since:
/// only what still is the same file is written to.
struct kept_stream {
    int descriptor = -1;
    dev_t device = 0;
    ino_t file = 0;

    bool is_itself() const noexcept {
        struct stat now;
        return descriptor >= 0 && fstat(descriptor, &now) == 0 && now.st_dev == device && now.st_ino == file;
    }
};
constinit kept_stream kept;
}  // namespace

void keep_standard_error() noexcept {
    const keep_errno guard;
    struct stat is;
    if (kept.descriptor >= 0 || fstat(STDERR_FILENO, &is) != 0) return;
    constexpr int above_those_of_scripts = 100;
    kept = {fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, above_those_of_scripts), is.st_dev, is.st_ino};
}

void write_error(const char* text, std::size_t length) noexcept {
    const keep_errno guard;
    int to = STDERR_FILENO;
    while (length != 0) {
        const long written = syscall(SYS_write, to, text, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EBADF && to == STDERR_FILENO && kept.is_itself()) {
            to = kept.descriptor;
            continue;
        }
        if (written <= 0) return;
        text += written;
        length -= static_cast<std::size_t>(written);
    }
}

}  // namespace ashlar::os
