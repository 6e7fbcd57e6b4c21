// ashlar/src/os/overflow_watch.cpp - the handler on the alternate stack: is it an overflow, what is told, who comes next.
//
// Layer:      os
// Source:     as overflow_watch.hpp; calls are found by libgcc's unwinder, modules by _dl_find_object (glibc 2.35).
// Complexity: about a microsecond a call on the stack; all are walked, 24 innermost and 8 outermost are told.
// Failure:    as overflow_watch.hpp. A stack that is destroyed ends the process while its calls are told, after the first line.
// Threads:    as overflow_watch.hpp. One tells at a time; another waits a second at most.
// Checked by: tests/os/overflow_watch_test.cpp
#include "ashlar/os/overflow_watch.hpp"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "ashlar/os/foreign_stack.hpp"
#include "ashlar/os/platform.hpp"

#if defined(DLFO_STRUCT_HAS_EH_DBASE)
#pragma weak _dl_find_object
#endif

namespace ashlar::os {
namespace {

class text {
public:
    text& add(const char* s) noexcept {
        for (; *s != '\0' && n_ < sizeof bytes_ - 1; ++s) bytes_[n_++] = *s;
        return *this;
    }
    text& add(std::uint64_t number, unsigned base = 10) noexcept {
        char digits[20];
        std::size_t at = sizeof digits;
        do digits[--at] = "0123456789abcdef"[number % base];
        while ((number /= base) != 0);
        for (; at < sizeof digits && n_ < sizeof bytes_ - 1; ++at) bytes_[n_++] = digits[at];
        return *this;
    }
    void print() noexcept {
        bytes_[n_++] = '\n';
        write_error(bytes_, n_);
    }

private:
    char bytes_[512];
    std::size_t n_ = 0;
};

constexpr std::size_t innermost = 24, outermost = 8, most_calls = std::size_t{1} << 20;
constexpr std::size_t alternate_size = 64 << 10;
constinit struct sigaction before_ours {};
constinit std::atomic<bool> installed{false};
constinit std::atomic<bool> telling{false};
constinit std::uintptr_t last_calls[outermost];  // of who is telling

struct machine_place {
    std::uintptr_t instruction = 0, stack = 0;
};
machine_place place_of(const void* context) noexcept {
    const auto& m = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return {static_cast<std::uintptr_t>(m.gregs[REG_RIP]), static_cast<std::uintptr_t>(m.gregs[REG_RSP])};
#elif defined(__aarch64__)
    return {m.pc, m.sp};
#else
    return {};
#endif
}

/// The stack that ends above `at`, if what wrote there went down from it.
foreign_stack_found overrun(std::uintptr_t at, std::uintptr_t sp) noexcept {
    constexpr std::uintptr_t red_zone = 256, farthest = std::uintptr_t{64} << 20;
    if (at + red_zone < sp) return {};  // below the stack pointer nobody keeps anything: a wild pointer
    const auto ends_above = [&](const stack_bounds& s) {
        const auto low = reinterpret_cast<std::uintptr_t>(s.low);
        return !s.empty() && at < low && sp < low + red_zone && low - at <= farthest;
    };
    const auto* const p = reinterpret_cast<const std::byte*>(at);
    foreign_stack_found foreign = find_foreign_stack(p);
    if (foreign.stack.empty()) foreign = next_foreign_stack(p);
    const stack_bounds own = detail::known_own_stack();
    const bool is_foreign = ends_above(foreign.stack), is_own = ends_above(own);
    if (is_own && (!is_foreign || own.low < foreign.stack.low)) return {own, nullptr};
    return is_foreign ? foreign : foreign_stack_found{};
}

void tell_call(std::size_t number, std::uintptr_t address) noexcept {
    text t;
    t.add("    #").add(number).add(" 0x").add(address, 16);
#if defined(DLFO_STRUCT_HAS_EH_DBASE)
    dl_find_object module{};
    if (&::_dl_find_object != nullptr && ::_dl_find_object(reinterpret_cast<void*>(address), &module) == 0) {
        const link_map* const of = module.dlfo_link_map;
        static constinit char program[256];
        if (*of->l_name == '\0') syscall(SYS_readlink, "/proc/self/exe", program, sizeof program - 1);
        t.add(" ").add(*of->l_name == '\0' ? program : of->l_name).add("+0x").add(address - of->l_addr, 16);
    }
#endif
    t.print();
}

struct walk {
    std::uintptr_t start;
    std::size_t count = 0;
    bool inside = true;  ///< still in our own calls
};
_Unwind_Reason_Code on_call(_Unwind_Context* context, void* to) noexcept {
    auto& w = *static_cast<walk*>(to);
    int exact = 0;
    const std::uintptr_t ip = _Unwind_GetIPInfo(context, &exact);
    if (w.inside && ip != w.start) return _URC_NO_REASON;
    w.inside = false;
    const std::uintptr_t call = exact != 0 ? ip : ip - 1;
    if (ip == 0 || w.count == most_calls) return _URC_END_OF_STACK;
    if (w.count < innermost) tell_call(w.count, call);
    last_calls[w.count % outermost] = call;
    ++w.count;
    return _URC_NO_REASON;
}

/// overflow_watch.I2
void tell(const foreign_stack_found& which, std::uintptr_t at, std::uintptr_t instruction) noexcept {
    char name[16] = {};
    prctl(PR_GET_NAME, name);
    text t;
    t.add("ashlar: stack overflow in thread ").add(thread_id()).add(" (").add(name).add("): address 0x").add(at, 16).add(" is ");
    t.add(reinterpret_cast<std::uintptr_t>(which.stack.low) - at).add(" bytes below ");
    t.add(which.name != nullptr ? "the stack '" : "its stack").add(which.name != nullptr ? which.name : "");
    t.add(which.name != nullptr ? "'" : "").add(" of ").add(which.stack.size()).add(" bytes").print();
    walk w{instruction};
    _Unwind_Backtrace(&on_call, &w);
    if (w.count == 0) tell_call(0, instruction);
    std::size_t next = w.count > innermost + outermost ? w.count - outermost : innermost;
    if (next > innermost) text().add("    ... ").add(next - innermost).add(" calls").print();
    for (; next < w.count; ++next) tell_call(next, last_calls[next % outermost]);
}

bool begin_telling() noexcept {
    for (int i = 0; i < 100; ++i) {
        if (!telling.exchange(true, std::memory_order_acquire)) return true;
        const timespec some{0, 10'000'000};
        syscall(SYS_nanosleep, &some, nullptr);
    }
    return false;
}

/// overflow_watch.I1
void hand_on(int signal, siginfo_t* info, void* context) noexcept {
    const bool sent = info->si_code <= 0;  // by kill: it would not come again by itself
    if ((before_ours.sa_flags & SA_SIGINFO) != 0) return before_ours.sa_sigaction(signal, info, context);
    if (before_ours.sa_handler == SIG_IGN && sent) return;
    if (before_ours.sa_handler != SIG_IGN && before_ours.sa_handler != SIG_DFL) return before_ours.sa_handler(signal);
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    sigaction(signal, &usual, nullptr);
    if (sent) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

void on_fault(int signal, siginfo_t* info, void* context) noexcept {
    const int saved = errno;
    const machine_place place = place_of(context);
    const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
    if (info->si_code > 0 && place.stack != 0) {
        const auto which = overrun(at, place.stack);
        if (!which.stack.empty() && begin_telling()) {
            tell(which, at, place.instruction);
            telling.store(false, std::memory_order_release);  // pairs with begin_telling
        }
    }
    hand_on(signal, info, context);
    errno = saved;
}

bool install() noexcept {
    if (installed.exchange(true, std::memory_order_acq_rel)) return true;
    if (sigaction(SIGSEGV, nullptr, &before_ours) != 0) return false;
    struct sigaction ours {};
    ours.sa_sigaction = &on_fault;
    ours.sa_mask = before_ours.sa_mask;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (before_ours.sa_flags & SA_RESTART);
    return sigaction(SIGSEGV, &ours, nullptr) == 0;
}

}  // namespace

overflow_watch::overflow_watch() noexcept {
    const int saved = errno;
    stack_t now{};
    if (!own_stack().empty() && sigaltstack(nullptr, &now) == 0) {
        watching_ = (now.ss_flags & SS_DISABLE) == 0;
        const std::size_t page = page_size();
        const auto room = watching_ ? result<block>(alloc_error{}) : reserve(alternate_size + page, page);
        if (room) {
            alternate_ = *room;
            stack_t ours{};
            ours.ss_sp = room->data + page;  // what is below stays inaccessible
            ours.ss_size = alternate_size;
            watching_ = commit(room->data + page, alternate_size) && sigaltstack(&ours, nullptr) == 0;
        }
    }
    watching_ = watching_ && install();
    errno = saved;
}

overflow_watch::~overflow_watch() {
    if (alternate_.data == nullptr) return;
    const int saved = errno;
    stack_t now{};
    if (sigaltstack(nullptr, &now) == 0 && now.ss_sp == alternate_.data + page_size()) {
        now.ss_flags = SS_DISABLE;
        sigaltstack(&now, nullptr);
    }
    release(alternate_.data, alternate_.size);
    errno = saved;
}

}  // namespace ashlar::os
