// ashlar/src/malloc/stack.cpp - libgcc's unwinder, found at run time so that C programs load none without need.
//
// Layer:      malloc
// Source:     as stack.hpp.
// Complexity: as stack.hpp.
// Failure:    as stack.hpp.
// Threads:    as stack.hpp.
// Checked by: tests/malloc/program/profile.py
#include "stack.hpp"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <unwind.h>

#include <atomic>

extern "C" {
[[gnu::weak]] _Unwind_Reason_Code walk_of_program(_Unwind_Trace_Fn, void*) __asm__("_Unwind_Backtrace");
[[gnu::weak]] _Unwind_Ptr ip_of_program(struct _Unwind_Context*) __asm__("_Unwind_GetIP");
[[gnu::weak]] void* dlopen(const char* name, int how) noexcept;
[[gnu::weak]] void* dlsym(void* library, const char* name) noexcept;
// The linker's marks of the file that this is linked into.
[[gnu::visibility("hidden")]] extern const char __ehdr_start[];
[[gnu::visibility("hidden")]] extern const char etext[];
}

namespace ashlar::malloc {
namespace {

using walker = _Unwind_Reason_Code (*)(_Unwind_Trace_Fn, void*);
using ip_getter = _Unwind_Ptr (*)(struct _Unwind_Context*);

constinit std::atomic<walker> walk{nullptr};
constinit ip_getter ip_of = nullptr;
constinit bool in_library = false;  ///< this file's code is a library's of its own, so its frames can be told

struct walked {
    std::uintptr_t* out;
    std::size_t most;
    std::size_t n;
    bool outside;
};

_Unwind_Reason_Code note_frame(struct _Unwind_Context* context, void* to) {
    auto& w = *static_cast<walked*>(to);
    const std::uintptr_t ip = ip_of(context);
    if (ip == 0) return _URC_END_OF_STACK;
    if (!w.outside && in_library && ip >= reinterpret_cast<std::uintptr_t>(__ehdr_start) &&
        ip < reinterpret_cast<std::uintptr_t>(etext)) {
        return _URC_NO_REASON;
    }
    w.outside = true;
    w.out[w.n++] = ip;
    return w.n == w.most ? _URC_END_OF_STACK : _URC_NO_REASON;
}

}  // namespace

bool prepare_stacks() noexcept {
    if (walk.load(std::memory_order_acquire) != nullptr) return true;
    walker found = &walk_of_program;
    ip_getter ip = &ip_of_program;
    if ((found == nullptr || ip == nullptr) && &::dlopen != nullptr && &::dlsym != nullptr) {
        void* const library = ::dlopen("libgcc_s.so.1", RTLD_NOW);
        if (library == nullptr) return false;
        found = reinterpret_cast<walker>(::dlsym(library, "_Unwind_Backtrace"));
        ip = reinterpret_cast<ip_getter>(::dlsym(library, "_Unwind_GetIP"));
    }
    if (found == nullptr || ip == nullptr) return false;
    const auto program = getauxval(AT_PHDR);  // the program's headers are ours when we are linked into it
    in_library = program < reinterpret_cast<std::uintptr_t>(__ehdr_start) ||
                 program >= reinterpret_cast<std::uintptr_t>(etext);
    ip_of = ip;
    std::uintptr_t frames[8];  // what it sets up at its first call, it sets up now
    walked w{frames, 8, 0, false};
    found(&note_frame, &w);
    walk.store(found, std::memory_order_release);  // pairs with capture_stack: publishes ip_of and in_library
    return true;
}

std::size_t capture_stack(std::uintptr_t* out, std::size_t most) noexcept {
    const walker go = walk.load(std::memory_order_acquire);
    if (go == nullptr) return 0;
    walked w{out, most, 0, false};
    go(&note_frame, &w);
    return w.n;
}

}  // namespace ashlar::malloc
