// Touches or misuses a block between guard pages in the way that its argument names.
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace {

volatile char sink;
sigjmp_buf back;

[[gnu::noinline]] char* grant(std::size_t size) {
    char* volatile p = static_cast<char*>(malloc(size));
    return p;
}
[[gnu::noinline]] void end(char* p) {
    free(p);
    sink = 0;
}
[[gnu::noinline]] void touch(char* p, bool write) {
    if (write) *p = 1; else sink = *p;
}
void say_and_end(int, siginfo_t*, void*) {
    constexpr char text[] = "the program's own handler\n";
    static_cast<void>(!write(2, text, sizeof text - 1));
    _exit(3);
}
void jump_back(int) { siglongjmp(back, 1); }
void handle(void (*full)(int, siginfo_t*, void*), void (*plain)(int)) {
    struct sigaction action {};
    if (full != nullptr) action.sa_sigaction = full, action.sa_flags = SA_SIGINFO; else action.sa_handler = plain;
    sigaction(SIGSEGV, &action, nullptr);
}
/// A block at the other end of its pages than p is not.
char* at_end(std::size_t size, bool wanted) {
    for (;;) {
        char* const p = grant(size);
        const bool is = reinterpret_cast<std::size_t>(p) % 4096 != 0;
        if (is == wanted) return p;
    }
}
void touched(const std::string& how) {
    if (how == "read-freed" || how == "write-freed" || how == "read-freed-by-thread") {
        char* const p = grant(40);
        how == "read-freed-by-thread" ? std::thread([=] { end(p); }).join() : end(p);
        touch(p + 8, how == "write-freed");
    }
    if (how == "read-behind") touch(at_end(48, true) + 48, false);
    if (how == "write-behind") touch(at_end(5000, true) + 5100, true);
    if (how == "write-before") touch(at_end(48, false) - 1, true);
}
void misused(const std::string& how) {
    if (how == "twice") {
        char* const p = grant(40);
        end(p);
        end(p);
    }
    if (how == "overrun") {
        char* const p = at_end(37, true);
        p[37] = 'x';
        end(p);
    }
    if (how == "inside") end(grant(40) + 16);
    if (how == "beside") end(at_end(40, false) + 1024);
    if (how == "realloc-freed") {
        char* const p = grant(40);
        end(p);
        free(realloc(p, 80));
    }
    if (how == "wrong-size") operator delete(grant(40), std::size_t{24});
}
void around(const std::string& how) {
    if (how == "own-handler") {
        handle(&say_and_end, nullptr);
        touch(nullptr, false);
        char* const p = grant(40);
        end(p);
        touch(p, false);
    }
    if (how == "recovers") {  // twice: the report does not keep what it needs for the next
        handle(nullptr, &jump_back);
        static int i;  // not in a register: the jump would lose it
        for (i = 0; i < 2; ++i) {
            char* const p = grant(40);
            end(p);
            if (sigsetjmp(back, 1) == 0) touch(p, false);
        }
    }
    if (how == "null") {
        grant(40);
        touch(reinterpret_cast<char*>(16), false);
    }
    if (how == "killed") {
        grant(40);
        kill(getpid(), SIGSEGV);
    }
    if (how == "child") {
        char* const p = grant(40);
        if (const pid_t child = fork(); child != 0) {
            int status = 0;
            waitpid(child, &status, 0);
            end(p);
            if (WIFSIGNALED(status)) raise(WTERMSIG(status));
            _exit(1);
        }
        end(p);
        touch(p, false);
    }
    if (how == "alternate-stack") {
        static char stack[16384];
        const stack_t where{stack, 0, sizeof stack};
        sigaltstack(&where, nullptr);
        touched("read-freed");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string how = argc > 1 ? argv[1] : "none";
    if (argc > 2) handle(&say_and_end, nullptr);
    touched(how);
    misused(how);
    around(how);
    for (int i = 0; i < 1000; ++i) {
        char* const p = grant(static_cast<std::size_t>(i * 7 % 300));
        if (malloc_usable_size(p) < static_cast<std::size_t>(i * 7 % 300)) return 1;
        memset(p, i, static_cast<std::size_t>(i * 7 % 300));
        end(static_cast<char*>(realloc(p, static_cast<std::size_t>(i * 11 % 500) + 1)));
        delete new int(i);
    }
    return 0;
}
