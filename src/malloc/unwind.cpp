// ashlar/src/malloc/unwind.cpp - call frame information, read as far as compilers write it for ordinary functions.
//
// Layer:      malloc
// Source:     as unwind.hpp.
// Complexity: as unwind.hpp.
// Failure:    as unwind.hpp. Rules by expression (linkage tables, signal frames) end the stack.
// Threads:    as unwind.hpp.
// Checked by: tests/malloc/program/guarded.py
#include "unwind.hpp"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>

#if defined(__x86_64__) && defined(DLFO_STRUCT_HAS_EH_DBASE)
#define ASHLAR_UNWINDS 1
#pragma weak _dl_find_object
#include "frame_table.hpp"
#else
#define ASHLAR_UNWINDS 0
#endif

extern "C" {
// The linker's marks of the file that this is linked into.
[[gnu::visibility("hidden")]] extern const char __ehdr_start[];
[[gnu::visibility("hidden")]] extern const char etext[];
}

namespace ashlar::malloc {

bool is_readable(std::uintptr_t address) noexcept {
    constexpr int no_such_way = ~0;  // EINVAL once the mask was read, EFAULT if it cannot be
    const int saved = errno;
    const bool faults = syscall(SYS_rt_sigprocmask, no_such_way, address, nullptr, std::size_t{8}) != 0 && errno == EFAULT;
    errno = saved;
    return !faults;
}

#if ASHLAR_UNWINDS
namespace {

constexpr std::uintptr_t page = 4096;

/// A stack: its copy, or the thing itself, of which each page is asked for once.
class stack_view {
public:
    stack_view() noexcept = default;
    stack_view(std::uintptr_t from, const std::byte* copy, std::size_t size) noexcept : copy_(copy), from_(from), size_(size) {}
    bool read(std::uintptr_t address, std::uintptr_t& out) noexcept {
        if (address % sizeof out != 0) return false;
        const void* at = reinterpret_cast<const void*>(address);
        if (copy_ != nullptr) {
            if (address - from_ > size_ - sizeof out) return false;
            at = copy_ + (address - from_);
        } else if (address / page != from_ / page) {
            if (!is_readable(address)) return false;
            from_ = address;
        }
        std::memcpy(&out, at, sizeof out);
        return true;
    }

private:
    const std::byte* copy_ = nullptr;
    std::uintptr_t from_ = 0;
    std::size_t size_ = 0;
};

/// From a function's state to its caller's. `exact`: the instruction is not the one behind a call.
bool step_out(machine_state& s, stack_view& stack, bool exact) noexcept {
    constexpr std::size_t ip = machine_state::instruction, sp = machine_state::stack;
    const std::uintptr_t pc = s.at[ip] - (exact ? 0 : 1);
    description about{};
    if (!find_description(pc, about) || about.return_column != ip) return false;
    rules by;
    if (!interpreter(about, pc).run(by)) return false;
    if (by.frame_register >= machine_state::count || by.frame_register == ip || by.of[ip] == rule::undefined) return false;
    const std::uintptr_t frame = s.at[by.frame_register] + static_cast<std::uintptr_t>(by.frame_offset);
    if (frame <= s.at[sp] && !exact) return false;  // stacks grow: what does not would never end
    machine_state caller = s;
    for (std::size_t r = 0; r < machine_state::count; ++r) {
        const std::uintptr_t at = frame + static_cast<std::uintptr_t>(by.offset[r]);
        if (by.of[r] == rule::saved && !stack.read(at, caller.at[r])) {
            if (r == ip) return false;
            caller.at[r] = 0;
        }
        if (by.of[r] == rule::offset_of_frame) caller.at[r] = at;
        if (by.of[r] == rule::other) caller.at[r] = 0;
    }
    if (by.of[ip] != rule::saved || caller.at[ip] == 0) return false;
    caller.at[sp] = frame;
    s = caller;
    return true;
}

struct noted {
    machine_state state;
    std::byte stack[call_note::room - sizeof(machine_state)];
};
static_assert(sizeof(noted) == call_note::room);

}  // namespace

[[gnu::noinline]] void note_calls(call_note& to) noexcept {
    auto& into = *reinterpret_cast<noted*>(to.bytes);
    std::uintptr_t* const r = into.state.at;
    __asm__ volatile(
        "movq %%rbx, 24(%0)\n\tmovq %%rbp, 48(%0)\n\tmovq %%rsp, 56(%0)\n\tmovq %%r12, 96(%0)\n\t"
        "movq %%r13, 104(%0)\n\tmovq %%r14, 112(%0)\n\tmovq %%r15, 120(%0)\n\t"
        "leaq 0f(%%rip), %%rax\n\tmovq %%rax, 128(%0)\n0:"
        : : "r"(r) : "rax", "memory");
    const std::uintptr_t from = r[machine_state::stack];
    std::size_t size = sizeof into.stack;
    const std::uintptr_t next = (from | (page - 1)) + 1;  // what is above it may end with its page
    if (next - from < size && !is_readable(next)) size = next - from;
    std::memcpy(into.stack, reinterpret_cast<const void*>(from), size);
    to.thread = os::thread_id();
    to.size = static_cast<std::uint32_t>(sizeof into.state + size);
}

bool state_of(const void* ucontext, machine_state& out) noexcept {
    constexpr int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                             REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    const auto& of = static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs;
    for (std::size_t i = 0; i < machine_state::count; ++i) out.at[i] = static_cast<std::uintptr_t>(of[order[i]]);
    return true;
}

std::size_t calls_of(const call_note& from, std::uintptr_t* out, std::size_t most) noexcept {
    if (from.size <= sizeof(machine_state)) return 0;
    const auto& in = *reinterpret_cast<const noted*>(from.bytes);
    machine_state s = in.state;
    stack_view stack(s.at[machine_state::stack], in.stack, from.size - sizeof(machine_state));
    const auto ours = [](std::uintptr_t ip) {  // linked into the program, its code is ours too: then all are told
        return ip - reinterpret_cast<std::uintptr_t>(__ehdr_start) <
               static_cast<std::uintptr_t>(etext - __ehdr_start);
    };
    code_place own{};
    const bool library = place_of_code(reinterpret_cast<std::uintptr_t>(&note_calls), own) && *own.module != '\0';
    std::size_t n = 0;
    for (bool exact = true, inside = library; n != most && step_out(s, stack, exact); exact = false) {
        inside = inside && ours(s.at[machine_state::instruction]);
        if (!inside) out[n++] = s.at[machine_state::instruction] - 1;
    }
    return n;
}

std::size_t calls_of(const machine_state& from, std::uintptr_t* out, std::size_t most) noexcept {
    machine_state s = from;
    stack_view stack;
    std::size_t n = 0;
    if (n != most) out[n++] = s.at[machine_state::instruction];
    for (bool exact = true; n != most && step_out(s, stack, exact); exact = false) {
        out[n++] = s.at[machine_state::instruction] - 1;
    }
    return n;
}

bool place_of_code(std::uintptr_t address, code_place& out) noexcept {
    dl_find_object module{};
    if (&::_dl_find_object == nullptr || ::_dl_find_object(reinterpret_cast<void*>(address), &module) != 0) return false;
    const link_map* const of = module.dlfo_link_map;
    out = {of->l_name, address - of->l_addr};
    return true;
}

#else

void note_calls(call_note& to) noexcept {
    to.thread = os::thread_id();
    to.size = 0;
}
bool state_of(const void*, machine_state&) noexcept { return false; }
std::size_t calls_of(const call_note&, std::uintptr_t*, std::size_t) noexcept { return 0; }
std::size_t calls_of(const machine_state&, std::uintptr_t*, std::size_t) noexcept { return 0; }
bool place_of_code(std::uintptr_t, code_place&) noexcept { return false; }

#endif

}  // namespace ashlar::malloc
