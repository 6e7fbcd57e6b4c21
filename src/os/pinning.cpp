// ashlar/src/os/pinning.cpp - locking, binding and counting on Linux.
//
// Layer:      os
// Complexity: a system call each.
// Failure:    as pinning.hpp: a refusal is a value.
// Threads:    any.
// Checked by: tests/os/pinning_test.cpp
#include "ashlar/os/pinning.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "keep_errno.hpp"

namespace ashlar::os {
namespace {

/// @returns what a call that gave this result means
locking outcome(int result) noexcept {
    if (result == 0) return locking::locked;
    // Linux says ENOMEM of the limit and of pages that are not there, EPERM where the limit is 0.
    rlimit limit{};
    const bool limited = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return errno == EPERM || (errno == ENOMEM && limited) ? locking::past_limit : locking::refused;
}

std::atomic<std::uint64_t> banned{0};

void refuse(int, siginfo_t*, void* context) noexcept {
    banned.fetch_add(1, std::memory_order_relaxed);  // a count, read when all is over
#if defined(__x86_64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.regs[0] = static_cast<unsigned long long>(-ENOSYS);
#else
    static_cast<void>(context);
#endif
}

}  // namespace

locking lock(std::byte* p, std::size_t size) noexcept {
    const keep_errno guard;
    return outcome(mlock(p, size));
}
bool unlock(std::byte* p, std::size_t size) noexcept {
    const keep_errno guard;
    return munlock(p, size) == 0;
}
locking lock_process() noexcept {
    const keep_errno guard;
    return outcome(mlockall(MCL_CURRENT));
}

std::size_t lock_limit() noexcept {
    const keep_errno guard;
    rlimit limit{};
    return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : SIZE_MAX;
}

bool bind_to_node(std::byte* p, std::size_t size, unsigned node) noexcept {
    const keep_errno guard;
    constexpr unsigned bits = sizeof(unsigned long) * 8;
    unsigned long nodes[1024 / bits] = {};
    if (node >= 1024) return false;
    nodes[node / bits] = 1ul << node % bits;
    constexpr int only_these = 2;  // MPOL_BIND, whose header is not in every distribution's base
    return syscall(SYS_mbind, p, size, only_these, nodes, 1024ul, 0u) == 0;
}

fault_counts thread_faults() noexcept {
    const keep_errno guard;
    rusage used{};
    if (getrusage(RUSAGE_THREAD, &used) != 0) return {0, 0};
    return {static_cast<std::uint64_t>(used.ru_minflt), static_cast<std::uint64_t>(used.ru_majflt)};
}

bool ban_system_calls() noexcept {
    const keep_errno guard;
    struct sigaction act {};
    act.sa_sigaction = refuse;
    act.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (sigaction(SIGSYS, &act, nullptr) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    constexpr unsigned allowed[] = {SYS_clock_nanosleep, SYS_clock_gettime, SYS_restart_syscall, SYS_write, SYS_getrusage,
                                    SYS_rt_sigreturn, SYS_exit, SYS_exit_group};
    constexpr unsigned short count = sizeof allowed / sizeof allowed[0];
    sock_filter filter[count + 3];
    filter[0] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    for (unsigned short i = 0; i < count; ++i) {
        filter[1 + i] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], static_cast<unsigned char>(count - i), 0);
    }
    filter[count + 1] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    filter[count + 2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{count + 3, filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}
std::uint64_t banned_system_calls() noexcept { return banned.load(std::memory_order_relaxed); }

}  // namespace ashlar::os
