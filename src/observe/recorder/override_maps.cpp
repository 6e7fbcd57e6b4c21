// src/observe/recorder/override_maps.cpp - what the program maps and which libraries it loads by itself, each passed on.
//
// Layer:      observe
// Source:     mmap(2), munmap(2), mremap(2), dlopen(3).
// Failure:    exactly the next one's. Only what has succeeded is told of mappings; of libraries, what was asked for.
// Threads:    any, and signal handlers, as far as the calls themselves allow it.
// Checked by: tests/observe/recorder
//
// What the C library maps for itself (its malloc, stacks of threads, the libraries) does not pass here.
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "../unwind/unwinder.hpp"
#include "next.hpp"
#include "recorder.hpp"

#define ASHLAR_EXPORT [[gnu::visibility("default")]]

namespace ashlar::recorder {
namespace {

std::uint64_t how(int protection, int flags) noexcept {
    return (static_cast<unsigned>(protection) & 7U) | ((flags & MAP_SHARED) != 0 ? map_shared : 0) |
           ((flags & MAP_ANONYMOUS) == 0 ? map_of_file : 0) | ((flags & MAP_FIXED) != 0 ? map_fixed : 0);
}

// Where nobody has looked for the next functions yet, the kernel is asked: a search would be more than a map may cost.
void* map_next(void* p, std::size_t size, int protection, int flags, int file, std::int64_t offset) noexcept {
    if (next_is_known && next.mmap != nullptr) return next.mmap(p, size, protection, flags, file, offset);
    return reinterpret_cast<void*>(::syscall(SYS_mmap, p, size, protection, flags, file, offset));
}

/// tell(t): inside, where mappings are told
template <class Tell>
void inside(Tell tell) noexcept {
    thread_record& t = own;
    if (!maps_are_told.load(std::memory_order_relaxed) || rests(t) || !enter(t)) return;
    if (ready(t) && t.tells_maps) tell(t);
    leave(t);
}

/// A moment for tell_unmap(); 0 if mappings are not told.
std::uint64_t moment() noexcept {
    std::uint64_t now = 0;
    inside([&](thread_record& t) { now = t.file->clock().ticks(); });
    return now;
}

/// how: as event::alignment of a map
void tell_map(const void* p, std::size_t size, std::uint64_t how) noexcept {
    inside([&](thread_record& t) {
        const std::uint64_t now = t.file->clock().ticks();
        event e;
        e.kind = event_kind::map;
        e.address = reinterpret_cast<std::uint64_t>(p);
        e.size = size;
        e.alignment = how;
        write(t, e, {now, now});
    });
}

/// Since that moment: it may have become another's before this call.
void tell_unmap(const void* p, std::size_t size, std::uint64_t since) noexcept {
    if (since == 0) return;
    inside([&](thread_record& t) {
        event e;
        e.kind = event_kind::unmap;
        e.address = reinterpret_cast<std::uint64_t>(p);
        e.size = size;
        write(t, e, {since, since});
    });
}

/// The program is about to load or unload the library of that name.
void tell_library(event_kind kind, const char* name) noexcept {
    inside([&](thread_record& t) {
        const std::uint64_t now = t.file->clock().ticks();
        event e;
        e.kind = kind;
        if (!t.stream.tell_text(*t.file, now, name, std::strlen(name))) return count_dropped(t);
        write(t, e, {now, now});
    });
}

void* refuse_to_load(const char*, int) noexcept { return nullptr; }

}  // namespace
}  // namespace ashlar::recorder

using namespace ashlar::recorder;
using ashlar::event_kind;

extern "C" {

ASHLAR_EXPORT void* mmap(void* p, std::size_t size, int protection, int flags, int file, off_t offset) noexcept {
    void* const got = map_next(p, size, protection, flags, file, offset);
    if (got != MAP_FAILED) tell_map(got, size, how(protection, flags));
    return got;
}

ASHLAR_EXPORT void* mmap64(void* p, std::size_t size, int protection, int flags, int file, off64_t offset) noexcept {
    return mmap(p, size, protection, flags, file, offset);
}

ASHLAR_EXPORT int munmap(void* p, std::size_t size) noexcept {
    const std::uint64_t since = moment();
    const int result = next_is_known && next.munmap != nullptr ? next.munmap(p, size) : static_cast<int>(::syscall(SYS_munmap, p, size));
    if (result == 0) tell_unmap(p, size, since);
    return result;
}

ASHLAR_EXPORT void* mremap(void* old, std::size_t old_size, std::size_t size, int flags, ...) noexcept {
    va_list more;
    va_start(more, flags);
    void* const wanted = (flags & MREMAP_FIXED) != 0 ? va_arg(more, void*) : nullptr;
    va_end(more);
    const std::uint64_t since = moment();
    void* const got = next_is_known && next.mremap != nullptr
                          ? next.mremap(old, old_size, size, flags, wanted)
                          : reinterpret_cast<void*>(::syscall(SYS_mremap, old, old_size, size, flags, wanted));
    if (got == MAP_FAILED) return got;
    tell_unmap(old, old_size, since);
    tell_map(got, size, how(PROT_READ | PROT_WRITE, MAP_ANONYMOUS));
    return got;
}

/// What was learnt of the code of a library that has gone is void: another may come to its place.
ASHLAR_EXPORT int dlclose(void* library) noexcept {
    if (!have_next() || next.dlclose == nullptr) return -1;
    link_map* of = nullptr;
    if (maps_are_told.load(std::memory_order_relaxed) && ::dlinfo(library, RTLD_DI_LINKMAP, &of) == 0 && of != nullptr) {
        tell_library(event_kind::unload, of->l_name);
    }
    const int result = next.dlclose(library);
    ashlar::unwind::rules.forget_all();
    return result;
}

/// @returns the function to go on with
[[gnu::used, gnu::visibility("hidden")]] void* (*ashlar_note_dlopen(const char* name, int flags))(const char*, int) {
    const int kept = errno;
    if (!have_next() || next.dlopen == nullptr) return refuse_to_load;
    if ((flags & RTLD_NOLOAD) == 0) tell_library(event_kind::load, name != nullptr ? name : "");
    errno = kept;
    return next.dlopen;
}

}  // extern "C"

// The loader looks for the file as its caller's own search path says, and knows its caller by where it returns to. So it must
// be jumped to and not called: the return address on the stack is the program's.
#if defined(__x86_64__)
asm(R"(
    .text
    .globl dlopen
    .type dlopen, @function
dlopen:
    .cfi_startproc
    endbr64
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    call ashlar_note_dlopen
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq %rsi
    .cfi_adjust_cfa_offset -8
    popq %rdi
    .cfi_adjust_cfa_offset -8
    jmp *%rax
    .cfi_endproc
    .size dlopen, . - dlopen
)");
#elif defined(__aarch64__)
asm(R"(
    .text
    .globl dlopen
    .type dlopen, %function
dlopen:
    .cfi_startproc
    stp x29, x30, [sp, #-32]!
    .cfi_def_cfa_offset 32
    .cfi_offset 29, -32
    .cfi_offset 30, -24
    stp x0, x1, [sp, #16]
    bl ashlar_note_dlopen
    mov x9, x0
    ldp x0, x1, [sp, #16]
    ldp x29, x30, [sp], #32
    .cfi_restore 29
    .cfi_restore 30
    .cfi_def_cfa_offset 0
    br x9
    .cfi_endproc
    .size dlopen, . - dlopen
)");
#else
#error "dlopen must be entered by a jump: write one for this processor"
#endif
