// ashlar/src/os/stack_bounds.cpp - stacks by the C library, /proc/self/maps and the kernel's table of the process's pages.
//
// Layer:      os
// Source:     as stack_bounds.hpp; the rules for growth are those of Linux mm/mmap.c, acct_stack_growth and expand_downwards.
// Complexity: as stack_bounds.hpp.
// Failure:    as stack_bounds.hpp. Without the table of pages nothing is known to have been touched.
// Threads:    as stack_bounds.hpp.
// Checked by: tests/os/stack_bounds_test.cpp
#include "ashlar/os/stack_bounds.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/os/foreign_stack.hpp"
#include "ashlar/os/platform.hpp"
#include "keep_errno.hpp"

namespace ashlar::os {

namespace detail {
constinit thread_local stack_window window{0, 0, 0};
constinit atomic<std::uint64_t> stacks_ended{0};
}  // namespace detail

namespace {

struct own_memory {
    stack_bounds stack;
    std::size_t limit = 0;  ///< RLIMIT_STACK when it was asked, for the main thread
};
constinit thread_local own_memory own;

class file {
public:
    explicit file(const char* path) noexcept : fd_(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC)) {}
    ~file() {
        if (fd_ >= 0) syscall(SYS_close, fd_);
    }
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    std::size_t read(void* to, std::size_t size) const noexcept {
        const long got = fd_ < 0 ? -1 : syscall(SYS_read, fd_, to, size);
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    std::size_t read_at(void* to, std::size_t size, std::size_t offset) const noexcept {
        const long got = fd_ < 0 ? -1 : syscall(SYS_pread64, fd_, to, size, offset);
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    }

private:
    long fd_;
};

struct mapping {
    std::uintptr_t from = 0, to = 0;
    bool accessible = false;
};

/// Reads /proc/self/maps as far as the mapping that holds `address`. @returns whether there is one; `below` is the one before
bool find_mapping(std::uintptr_t address, mapping& found, mapping& below) noexcept {
    const file maps("/proc/self/maps");
    char text[512];
    mapping now;
    int field = 0;  // of the line: 0 from, 1 to, 2 access, 3 the rest
    for (std::size_t n = maps.read(text, sizeof text); n != 0; n = maps.read(text, sizeof text)) {
        for (std::size_t i = 0; i < n; ++i) {
            const char c = text[i];
            if (c == '\n') {
                if (now.to > address) {
                    found = now;
                    return now.from <= address;
                }
                below = now;
                now = {};
                field = 0;
            } else if (field < 2 && (c == '-' || c == ' ')) {
                ++field;
            } else if (field < 2) {
                auto& number = field == 0 ? now.from : now.to;
                number = number * 16 + static_cast<std::uintptr_t>(c <= '9' ? c - '0' : c - 'a' + 10);
            } else if (field == 2) {
                if (c == ' ') ++field;
                now.accessible = now.accessible || c == 'r' || c == 'w' || c == 'x';
            }
        }
    }
    return false;
}

std::size_t stack_limit() noexcept {
    rlimit limit{};
    return getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : SIZE_MAX;
}

/// The main thread's stack: what is mapped of it now, and how far it may grow.
bool main_mapping(mapping& stack, mapping& below) noexcept {
    return find_mapping(static_cast<std::uintptr_t>(getauxval(AT_RANDOM)), stack, below);  // which the kernel puts at its top
}
stack_bounds main_stack(std::size_t limit) noexcept {
    mapping stack, below;
    if (!main_mapping(stack, below)) return {};
    const std::uintptr_t gap = below.accessible ? 256 * page_size() : 0;  // what the kernel keeps free, unless told otherwise
    std::uintptr_t low = limit < stack.to ? align_up(stack.to - limit, static_cast<std::uintptr_t>(page_size())) : 0;
    if (low < below.to + gap) low = below.to + gap;
    if (low > stack.from) low = stack.from;
    return {reinterpret_cast<std::byte*>(low), reinterpret_cast<std::byte*>(stack.to), gap, true};
}

stack_bounds of_thread(pthread_t thread) noexcept {
    pthread_attr_t about;
    if (pthread_getattr_np(thread, &about) != 0) return {};
    void* low = nullptr;
    std::size_t size = 0, guard = 0;
    const bool known = pthread_attr_getstack(&about, &low, &size) == 0;
    pthread_attr_getguardsize(&about, &guard);
    pthread_attr_destroy(&about);
    auto* const p = static_cast<std::byte*>(low);
    return known ? stack_bounds{p, p + size, guard, false} : stack_bounds{};
}

bool is_main_thread() noexcept { return static_cast<long>(thread_id()) == syscall(SYS_getpid); }

const stack_bounds& ask_own() noexcept {
    own.limit = stack_limit();
    own.stack = is_main_thread() ? main_stack(own.limit) : of_thread(pthread_self());
    return own.stack;
}

/// The end of the zeros that begin at p, whole pages of them, at most at `end`. @returns p where the kernel does not let us look
std::byte* behind_zeros(std::byte* p, const std::byte* end) noexcept {
    std::uint64_t words[64];
    for (; p < end; p += page_size()) {
        for (std::size_t at = 0; at < page_size(); at += sizeof words) {
            iovec to{words, sizeof words}, from{p + at, sizeof words};  // by the kernel: another thread's stack may go away meanwhile
            if (syscall(SYS_process_vm_readv, syscall(SYS_getpid), &to, 1ul, &from, 1ul, 0ul) != static_cast<long>(sizeof words)) return p;
            std::uint64_t any = 0;
            for (const std::uint64_t w : words) any |= w;
            if (any != 0) return p;
        }
    }
    return p;
}

/// The lowest page in [p, end) that is in memory or in swap; end if there is none.
std::byte* first_touched(const file& pages, std::byte* p, std::byte* end) noexcept {
    constexpr std::uint64_t present_or_swapped = std::uint64_t{3} << 62;
    std::uint64_t entries[64];
    while (p < end) {
        const std::size_t wanted = static_cast<std::size_t>(end - p) / page_size(), most = sizeof entries / 8;
        const std::size_t n = pages.read_at(entries, 8 * (wanted < most ? wanted : most),
                                              reinterpret_cast<std::uintptr_t>(p) / page_size() * 8) / 8;
        if (n == 0) return end;
        for (std::size_t i = 0; i < n; ++i, p += page_size()) {
            if ((entries[i] & present_or_swapped) != 0) return p;
        }
    }
    return end;
}

/// The part of a stack that can have been touched: the main thread's is mapped only so far.
std::byte* lowest_mapped(const stack_bounds& stack) noexcept {
    mapping now, below;
    if (!stack.grows || !main_mapping(now, below) || now.from < reinterpret_cast<std::uintptr_t>(stack.low)) return stack.low;
    return reinterpret_cast<std::byte*>(now.from);
}

std::byte* page_of(std::byte* p) noexcept { return p - reinterpret_cast<std::uintptr_t>(p) % page_size(); }

}  // namespace

stack_bounds own_stack() noexcept {
    const keep_errno guard;
    const stack_bounds stack = ask_own();
    detail::window.size = 0;  // so that check_stack sees it too
    return stack;
}

stack_bounds detail::known_own_stack() noexcept { return own.stack; }

stack_bounds this_stack() noexcept {
    const keep_errno guard;
    const auto* const here = reinterpret_cast<const std::byte*>(detail::stack_pointer());
    if (own.stack.empty()) ask_own();
    if (own.stack.holds(here)) return own.stack;
    return find_foreign_stack(here).stack;
}

stack_bounds stack_of(thread_handle thread) noexcept {
    const keep_errno guard;
    const stack_bounds found = of_thread(thread);
    const stack_bounds first = main_stack(stack_limit());
    return !found.empty() && first.holds(found.high - 1) ? first : found;  // the C library leaves out the environment
}

std::size_t detail::find_stack_left(std::uintptr_t here, std::size_t wanted) noexcept {
    const keep_errno guard;
    const std::uint64_t now = stacks_ended.load(memory_order_acquire);  // pairs with ~foreign_stack
    const auto* const p = reinterpret_cast<const std::byte*>(here);
    if (own.stack.empty()) ask_own();
    stack_bounds stack = own.stack;
    if (!stack.holds(p)) stack = find_foreign_stack(p).stack;
    if (!stack.holds(p)) return 0;
    if (stack.grows && static_cast<std::size_t>(p - stack.low) < wanted && own.limit != stack_limit()) stack = ask_own();
    window = {reinterpret_cast<std::uintptr_t>(stack.low), stack.size(), now};
    return static_cast<std::size_t>(p - stack.low);
}

std::size_t stack_peak(const stack_bounds& stack) noexcept {
    const keep_errno guard;
    if (stack.empty()) return 0;
    const file pages("/proc/self/page" "map");  // apart: our own page map is another thing
    const std::size_t huge = huge_page_size();
    std::byte* p = lowest_mapped(stack);
    if (const std::byte* const start = page_of(p); start != p) p = page_of(p) + page_size();
    for (;;) {
        p = first_touched(pages, p, stack.high);
        if (p >= stack.high) return 0;
        if (huge == 0 || !is_aligned(p, huge) || static_cast<std::size_t>(stack.high - p) < huge) break;
        std::byte* const used = behind_zeros(p, p + huge);
        if (used == p || used < p + huge) {
            p = used;
            break;
        }
        p = used;
    }
    return static_cast<std::size_t>(stack.high - p);
}

bool restart_stack_peak() noexcept {
    const keep_errno guard;
    const stack_bounds stack = this_stack();
    if (stack.empty()) return false;
    std::byte* low = lowest_mapped(stack);
    if (const std::byte* const start = page_of(low); start != low) low = page_of(low) + page_size();
    constexpr std::size_t in_use_below = 1024;  // by what is called from here
    std::byte* const end = page_of(reinterpret_cast<std::byte*>(detail::stack_pointer()) - in_use_below);
    return end <= low || madvise(low, static_cast<std::size_t>(end - low), MADV_DONTNEED) == 0;
}

}  // namespace ashlar::os
