#include "stack_memory.hpp"

#include <sys/syscall.h>

#include <cerrno>

// The highest address of the first thread's stack that the program uses. The loader of glibc tells it.
extern "C" [[gnu::weak]] void* __libc_stack_end;

namespace ashlar::unwind {

bool can_read(std::uintptr_t address) noexcept {
#if defined(__x86_64__)
    // Not by the C library: errno must stay.
    long result = SYS_rt_sigprocmask;
    register long size asm("r10") = 8;
    asm volatile("syscall" : "+a"(result) : "D"(-1L), "S"(address), "d"(0L), "r"(size) : "rcx", "r11", "memory");
    return result == -EINVAL;  // the mask was read, and -1 is no way to use it
#else
    (void)address;
    return false;
#endif
}

namespace {

constinit std::uintptr_t first_thread = 0;  // its thread pointer; 0 while nobody else can run

std::uintptr_t thread_pointer() noexcept { return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer()); }

[[gnu::constructor]] void note_first_thread() { first_thread = thread_pointer(); }

/// Where the thread's own stack may end: the thread's control block lies on top of a stack made by the C library; that of
/// the first thread ends where the loader says.
std::uintptr_t own_top() noexcept {
    const std::uintptr_t thread = thread_pointer();
    if (first_thread != 0 && thread != first_thread) return thread & ~std::uintptr_t{7};
    return &__libc_stack_end != nullptr ? reinterpret_cast<std::uintptr_t>(__libc_stack_end) & ~std::uintptr_t{7} : 0;
}

}  // namespace

bool stack_memory::extend_down(std::uintptr_t sp) noexcept {
    const std::uintptr_t wanted = sp & ~(page - 1);
    if (sp < hole_ || lowest_ - wanted > most_pages * page) return false;
    std::uintptr_t at = lowest_ & ~(page - 1);
    // The page of lowest_ itself may be unchecked when it is a top.
    if (lowest_ == top_ && (lowest_ & (page - 1)) != 0 && !can_read(at)) {
        hole_ = lowest_;
        return false;
    }
    while (at > wanted) {
        if (!can_read(at - page)) {
            hole_ = at;
            return false;
        }
        at -= page;
        lowest_ = at;  // stack_memory.I1
    }
    if (at < lowest_) lowest_ = at;
    return true;
}

bool stack_memory::begin_elsewhere(std::uintptr_t sp) noexcept {
    if (top_ == 0) top_ = lowest_ = own_top();
    own_ = sp < lowest_ && extend_down(sp);
    if (own_) {
        low_ = lowest_;
        high_ = top_;
        return true;
    }
    low_ = sp & ~(page - 1);
    high_ = low_ + (can_read(low_) ? page : 0);
    return false;
}

bool stack_memory::widen(std::uintptr_t address) noexcept {
    if (address < low_ || high_ == low_ || (address - low_) / page >= most_elsewhere) return false;
    while (high_ <= address) {
        if (!can_read(high_)) return false;
        high_ += page;
    }
    return true;
}

}  // namespace ashlar::unwind
