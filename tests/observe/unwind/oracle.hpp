// tests/observe/unwind/oracle.hpp - the same stack by ours and by libunwind, step by step, from one place.
//
// libunwind is loaded apart: linked, it would take the place of the exception handling of the whole program.
#pragma once

#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "../../../src/observe/unwind/unwinder.hpp"

namespace oracle {

using stack = std::vector<std::uintptr_t>;  ///< innermost first

struct functions {
    int (*get_context)(unw_tdep_context_t*);
    int (*init)(unw_cursor_t*, unw_context_t*);
    int (*step)(unw_cursor_t*);
    int (*get)(unw_cursor_t*, unw_regnum_t, unw_word_t*);
    int (*is_signal)(unw_cursor_t*);
    int (*backtrace)(void**, int);

    static const functions& all() {
        static const functions f = [] {
            void* library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
            if (library == nullptr) std::abort();
            functions g{};
            g.get_context = reinterpret_cast<decltype(g.get_context)>(dlsym(library, "_Ux86_64_getcontext"));
            g.init = reinterpret_cast<decltype(g.init)>(dlsym(library, "_ULx86_64_init_local"));
            g.step = reinterpret_cast<decltype(g.step)>(dlsym(library, "_ULx86_64_step"));
            g.get = reinterpret_cast<decltype(g.get)>(dlsym(library, "_ULx86_64_get_reg"));
            g.is_signal = reinterpret_cast<decltype(g.is_signal)>(dlsym(library, "_ULx86_64_is_signal_frame"));
            g.backtrace = reinterpret_cast<decltype(g.backtrace)>(dlsym(library, "unw_backtrace"));
            return g;
        }();
        return f;
    }
};

struct pair {
    stack ours;
    stack theirs;
    bool cut = false;
    std::size_t shared = 0;
};

/// The callers of the function that this is inlined into.
[[gnu::always_inline]] inline pair look(ashlar::unwind::unwinder& u, std::size_t enough = 256) {
    pair p;
    u.walk(ashlar::unwind::caller_of(__builtin_frame_address(0)), enough);
    for (std::size_t i = u.size(); i-- > 0;) p.ours.push_back(u.frames()[i].ip);
    p.cut = u.cut();
    p.shared = u.shared();
    const functions& f = functions::all();
    unw_context_t context;
    unw_cursor_t cursor;
    f.get_context(&context);
    f.init(&cursor, &context);
    while (f.step(&cursor) > 0 && p.theirs.size() < 256) {
        unw_word_t ip = 0;
        f.get(&cursor, UNW_REG_IP, &ip);
        if (ip == 0) break;
        p.theirs.push_back(ip + (f.is_signal(&cursor) > 0));  // ours tells what a signal interrupted as one past it
    }
    return p;
}

}  // namespace oracle
