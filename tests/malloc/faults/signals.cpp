// A signal handler that allocates and frees, at every single instruction of the fast paths of malloc and free.
//
// The processor's trap flag makes each instruction raise SIGTRAP. What is promised (docs/malloc.md) is that nothing is
// held there that a handler could wait for: it ends, and the program goes on. It is not promised that both get different
// blocks, so the handler does not write to what it is given, nor frees it: it frees what was there before.
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#include "../program/expect.hpp"
#include "pattern.hpp"

using namespace faults;

namespace {

#if defined(__x86_64__)
constexpr std::size_t size = 64, reach = 160;  // bytes of code that are looked at from the entry of malloc and of free
void* stock[4000];
std::size_t stocked = 0;
bool in_malloc[reach], in_free[reach];
volatile long interrupted = 0;

void handler(int, siginfo_t*, void* context) {
    const auto at = static_cast<std::size_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
    const std::size_t behind_malloc = at - reinterpret_cast<std::size_t>(&malloc);
    const std::size_t behind_free = at - reinterpret_cast<std::size_t>(&free);
    // Only in the entry points themselves: they are the fast paths, the slow ones are functions of their own.
    if (behind_malloc < reach) in_malloc[behind_malloc] = true;
    else if (behind_free < reach) in_free[behind_free] = true;
    else return;
    interrupted = interrupted + 1;
    if (malloc(size) == nullptr) _exit(2);
    if (stocked != 0) free(stock[--stocked]);
}

void step_by_step(bool on) {
    constexpr unsigned long long trap = 0x100;
    const unsigned long long flags = __builtin_ia32_readeflags_u64();
    __builtin_ia32_writeeflags_u64(on ? flags | trap : flags & ~trap);
}

std::size_t count(const bool (&seen)[reach]) {
    std::size_t n = 0;
    for (const bool b : seen) n += b;
    return n;
}
#endif

}  // namespace

int main() {
#if defined(__x86_64__)
    alarm(60);
    for (void*& p : stock) EXPECT((p = malloc(size)) != nullptr);
    stocked = sizeof stock / sizeof *stock;
    struct sigaction action = {};
    action.sa_sigaction = &handler;
    action.sa_flags = SA_SIGINFO;
    EXPECT(sigaction(SIGTRAP, &action, nullptr) == 0);
    for (int i = 0; i < 100; ++i) {
        free(malloc(size));  // something is ready for the next one
        step_by_step(true);
        void* volatile p = malloc(size);
        free(p);
        step_by_step(false);
        EXPECT(p != nullptr);
    }
    EXPECT(count(in_malloc) >= 8);
    EXPECT(count(in_free) >= 12);
    // The program goes on: other sizes are as they should be, and this one is still served.
    numbers next(1);
    held blocks[500];
    for (held& b : blocks) {
        b.size = 100 + next.below(3000);
        b.p = static_cast<unsigned char*>(malloc(b.size));
        fill(b);
    }
    for (int i = 0; i < 5000; ++i) EXPECT(malloc(size) != nullptr);
    for (const held& b : blocks) {
        EXPECT(intact(b));
        free(b.p);
    }
    std::printf("%ld interruptions, at %zu places of malloc and %zu of free\n", interrupted, count(in_malloc), count(in_free));
#endif
}
