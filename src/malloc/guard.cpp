// ashlar/src/malloc/guard.cpp - a fault beside a guarded block or in a freed one, told on standard error before the program dies of it.
//
// Layer:      malloc
// Complexity: as guard.hpp.
// Failure:    as guard.hpp.
// Threads:    as guard.hpp.
// Checked by: tests/malloc/program/guarded.py
//
// All of it runs in a signal handler, on the alternate stack where the thread has one: it calls the kernel and nothing
// else, takes no lock, and keeps what is large in static storage.
#include "guard.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "line.hpp"
#include "unwind.hpp"

namespace ashlar::malloc {
namespace {

constexpr std::size_t deepest = 24;
constinit struct sigaction before_ours {};
constinit std::atomic<bool> telling{false};
constinit std::uintptr_t calls[deepest];  // of who is telling
constinit char program_path[256];

const char* path_of_program() noexcept {
    const long n = syscall(SYS_readlink, "/proc/self/exe", program_path, sizeof program_path - 1);
    program_path[n > 0 ? n : 0] = '\0';
    return program_path;
}

void tell_places(std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        line text("    #", std::uint64_t{i}, " ", reinterpret_cast<const void*>(calls[i]));
        code_place place{};
        if (place_of_code(calls[i], place)) {
            text.add(" ").add(*place.module == '\0' ? path_of_program() : place.module);
            text.add("+").add(reinterpret_cast<const void*>(place.offset));
        }
        text.print();
    }
}

void tell_note(const char* what, const call_note& note) noexcept {
    line("  ", what, " by thread ", std::uint64_t{note.thread}, ":").print();
    tell_places(calls_of(note, calls, deepest));
}

void tell_notes(const guard_slot& slot) noexcept {
    tell_note("granted", slot.granted);
    if (slot.state == guard_state::freed) tell_note("freed", slot.freed);
}

void tell_toucher(const void* context) noexcept {
    machine_state state{};
    if (!state_of(context, state)) return;
    line("  touched by thread ", std::uint64_t{os::thread_id()}, ":").print();
    tell_places(calls_of(state, calls, deepest));
}

/// What the processor wanted to do; empty where it does not say.
const char* kind_of_access(const void* context) noexcept {
#if defined(__x86_64__)
    constexpr unsigned long long writing = 2, fetching = 16;
    const auto error = static_cast<unsigned long long>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR]);
    return (error & writing) != 0 ? "write" : (error & fetching) != 0 ? "jump" : "read";
#else
    return context == nullptr ? "" : "access";
#endif
}

void tell_fault(const guard_slot& slot, const void* at, const void* context) noexcept {
    const auto* const p = static_cast<const std::byte*>(at);
    const std::byte* const end = slot.start + slot.size;
    const bool freed = slot.state == guard_state::freed;
    line text("ashlar: ", freed ? "use after free: " : p < slot.start ? "underflow: " : "overflow: ", kind_of_access(context),
              " at ", at, ", ");
    if (p < slot.start) {
        text.add(static_cast<std::uint64_t>(slot.start - p)).add(" bytes before a ");
    } else if (p >= end) {
        text.add(static_cast<std::uint64_t>(p - end)).add(" bytes behind the end of a ");
    } else {
        text.add(static_cast<std::uint64_t>(p - slot.start)).add(" bytes into a ");
    }
    text.add(freed ? "freed block of " : "block of ").add(std::uint64_t{slot.size}).add(" bytes at ").add(slot.start).print();
    tell_notes(slot);
    tell_toucher(context);
}

/// One thread tells at a time. One that waits for another waits a second: then that has died of its fault.
bool begin_telling() noexcept {
    for (int i = 0; i < 100; ++i) {
        if (!telling.exchange(true, std::memory_order_acquire)) return true;
        const timespec some{0, 10'000'000};
        syscall(SYS_nanosleep, &some, nullptr);
    }
    return false;
}
void end_telling() noexcept { telling.store(false, std::memory_order_release); }  // pairs with begin_telling

void hand_on(int signal, siginfo_t* info, void* context) noexcept {
    const bool sent = info->si_code <= 0;  // by kill: it would not come again by itself
    if ((before_ours.sa_flags & SA_SIGINFO) != 0) return before_ours.sa_sigaction(signal, info, context);
    if (before_ours.sa_handler == SIG_IGN && sent) return;
    if (before_ours.sa_handler != SIG_IGN && before_ours.sa_handler != SIG_DFL) return before_ours.sa_handler(signal);
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    sigaction(signal, &usual, nullptr);
    if (sent) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
    // Back to the instruction, which faults once more: what is seen of the death is where it happened.
}

/// With harden = 2: a large block that has ended, or the page behind a span. Silent where it is neither.
void tell_span(const void* at, const void* context) noexcept {
    const auto& s = *the_store.find(at);
    const auto* const p = static_cast<const std::byte*>(at);
    const bool many = s.kind == span_kind::small || s.kind == span_kind::medium;
    const std::byte* const end = s.start + s.block_size * (many ? s.capacity : 1u);
    if (s.kind == span_kind::none || s.kind == span_kind::guarded || (!s.ended && (!s.fenced || p < end))) return;
    line text("ashlar: ", s.ended ? "use after free: " : "overflow: ", kind_of_access(context), " at ", at, ", ");
    if (p < end) {
        text.add(static_cast<std::uint64_t>(p - s.start)).add(" bytes into a ");
    } else {
        text.add(static_cast<std::uint64_t>(p - end)).add(" bytes behind the end of a ");
    }
    text.add(s.ended ? "freed block of " : "block of ").add(std::uint64_t{s.block_size}).add(" bytes at ");
    text.add(p < end ? s.start : end - s.block_size).print();
    tell_toucher(context);
}

void on_fault(int signal, siginfo_t* info, void* context) {
    const int saved = errno;
    const bool memory = info->si_code > 0;
    const guard_slot* const slot = memory ? the_store.guards().slot_of(static_cast<const void*>(info->si_addr)) : nullptr;
    const bool spans = memory && the_store.settings().harden == 2;
    if ((slot != nullptr || spans) && begin_telling()) {
        slot != nullptr ? tell_fault(*slot, info->si_addr, context) : tell_span(info->si_addr, context);
        end_telling();
    }
    hand_on(signal, info, context);
    errno = saved;
}

}  // namespace

/// Runs in the middle of malloc, when the first guarded block is granted.
void watch_faults() noexcept {
    static constinit std::atomic<bool> watching{false};
    if (watching.exchange(true, std::memory_order_relaxed)) return;
    const int saved = errno;
    sigaction(SIGSEGV, nullptr, &before_ours);
    struct sigaction ours {};
    ours.sa_sigaction = &on_fault;
    ours.sa_mask = before_ours.sa_mask;
    // What there was decides about the stack; where there was nothing an alternate one serves a thread that has overrun its own.
    const bool none = (before_ours.sa_flags & SA_SIGINFO) == 0 && (before_ours.sa_handler == SIG_DFL || before_ours.sa_handler == SIG_IGN);
    ours.sa_flags = SA_SIGINFO | (none ? SA_ONSTACK : before_ours.sa_flags & (SA_ONSTACK | SA_RESTART));
    sigaction(SIGSEGV, &ours, nullptr);
    errno = saved;
}

constinit const guard_watcher process_guard_watcher{&note_calls, &watch_faults};

void tell_calls(const void* block) noexcept {
    const guard_slot* const slot = block == nullptr ? nullptr : the_store.guards().slot_of(block);
    if (slot == nullptr || !begin_telling()) return;
    tell_notes(*slot);
    end_telling();
}

}  // namespace ashlar::malloc
