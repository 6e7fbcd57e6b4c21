// ashlar/testing/fiber.hpp - a stack of its own for a piece of code, entered and left without the operating system.
//
// Layer:      testing
// Source:     Conway, "Design of a separable transition-diagram compiler", CACM 6(7), 1963 (coroutines).
// Complexity: a change of stacks is some twenty instructions; a stack of stack_bytes a fiber.
// Failure:    where memory for the stack is refused, as operator new.
// Threads:    all fibers that meet are of one thread.
// Invariants: fiber.I1  code runs either in one fiber or in who entered it, never both
// Checked by: tests/testing/fiber_test.cpp
//
// A fiber that is begun anew forgets what it was doing: nothing on its stack is destroyed. Exceptions do not leave it.
// On other processors than x86-64 the change of stacks is the C library's, which asks the system for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#if !defined(__x86_64__) || defined(ASHLAR_PORTABLE_FIBERS)
#include <ucontext.h>
#define ASHLAR_OWN_SWITCH 0
#else
#define ASHLAR_OWN_SWITCH 1
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASHLAR_FIBERS_ARE_TOLD 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(ASHLAR_FIBERS_ARE_TOLD)
#undef ASHLAR_FIBERS_ARE_TOLD
#define ASHLAR_FIBERS_ARE_TOLD 1
extern "C" void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, std::size_t size);
extern "C" void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, std::size_t* size);
#else
#define ASHLAR_FIBERS_ARE_TOLD 0
#endif

namespace ashlar::testing {

class fiber {
public:
    static constexpr std::size_t stack_bytes = ASHLAR_FIBERS_ARE_TOLD != 0 ? 256 << 10 : 64 << 10;

    fiber() : stack_(std::make_unique_for_overwrite<unit[]>(stack_bytes / sizeof(unit))) {}
    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;

    /// The next enter() begins body(argument), which must not return: it ends by leave_for_good().
    void begin(void (*body)(void*), void* argument) noexcept {
        body_ = body;
        argument_ = argument;
        std::byte* const top = bottom() + stack_bytes;
#if ASHLAR_OWN_SWITCH
        auto* const words = reinterpret_cast<void**>(top) - 9;  // after the return the stack is a multiple of 16
        words[3] = reinterpret_cast<void*>(&run);                // popped into r12
        words[5] = this;                                         // popped into rbp
        words[6] = reinterpret_cast<void*>(&first_instructions);  // returned to
        inside_ = words;
#else
        static_cast<void>(top);
        ::getcontext(&inside_);
        inside_.uc_stack.ss_sp = bottom();
        inside_.uc_stack.ss_size = stack_bytes;
        inside_.uc_link = nullptr;
        const auto bits = reinterpret_cast<std::uintptr_t>(this);
        ::makecontext(&inside_, reinterpret_cast<void (*)()>(&first_call), 2, static_cast<unsigned>(bits >> 32), static_cast<unsigned>(bits));
#endif
    }
    /// Runs it until it leaves. @pre it was begun, and has not left for good
    void enter() noexcept {
#if ASHLAR_FIBERS_ARE_TOLD
        void* mine = nullptr;
        __sanitizer_start_switch_fiber(&mine, bottom(), stack_bytes);
#endif
        change(outside_, inside_);
#if ASHLAR_FIBERS_ARE_TOLD
        __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
#endif
    }
    /// Goes back to who entered it; the next enter() returns from here. @pre it is this fiber that runs
    void leave() noexcept {
#if ASHLAR_FIBERS_ARE_TOLD
        void* mine = nullptr;
        __sanitizer_start_switch_fiber(&mine, outer_bottom_, outer_size_);
#endif
        change(inside_, outside_);
#if ASHLAR_FIBERS_ARE_TOLD
        __sanitizer_finish_switch_fiber(mine, &outer_bottom_, &outer_size_);
#endif
    }
    [[noreturn]] void leave_for_good() noexcept {
#if ASHLAR_FIBERS_ARE_TOLD
        __sanitizer_start_switch_fiber(nullptr, outer_bottom_, outer_size_);
#endif
        for (;;) change(inside_, outside_);
    }

private:
    struct alignas(16) unit {
        std::byte bytes[16];
    };
    std::byte* bottom() noexcept { return stack_[0].bytes; }

    [[noreturn]] static void run(fiber& f) noexcept {
#if ASHLAR_FIBERS_ARE_TOLD
        __sanitizer_finish_switch_fiber(nullptr, &f.outer_bottom_, &f.outer_size_);
#endif
        f.body_(f.argument_);
        __builtin_trap();
    }

#if ASHLAR_OWN_SWITCH
    using place = void*;  // of the stack pointer; what it points at is what change() pops
    [[gnu::naked, gnu::noinline]] static void change(place& /*from: rdi*/, place /*to: rsi*/) noexcept {
        __asm__("pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
                "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
                "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret");
    }
    [[gnu::naked, gnu::noinline]] static void first_instructions() noexcept { __asm__("movq %rbp, %rdi\n\tcall *%r12"); }
#else
    using place = ::ucontext_t;
    static void change(place& from, place& to) noexcept { ::swapcontext(&from, &to); }
    static void first_call(unsigned high, unsigned low) noexcept {
        run(*reinterpret_cast<fiber*>(std::uintptr_t{high} << 32 | low));
    }
#endif

    std::unique_ptr<unit[]> stack_;
    void (*body_)(void*) = nullptr;
    void* argument_ = nullptr;
    place inside_{}, outside_{};
    [[maybe_unused]] const void* outer_bottom_ = nullptr;
    [[maybe_unused]] std::size_t outer_size_ = 0;
};

}  // namespace ashlar::testing

#undef ASHLAR_OWN_SWITCH
#undef ASHLAR_FIBERS_ARE_TOLD
