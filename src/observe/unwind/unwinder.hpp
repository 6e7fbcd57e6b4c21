// src/observe/unwind/unwinder.hpp - the calls that lead to an allocation, for a thread that asks again and again.
//
// Layer:      observe
// Picture:    frames_   [ outermost ... | ... innermost ]      of the walk before
//             a new walk goes outwards from the innermost call by rules until it meets a frame of the old one (same place,
//             same stack pointer); the rest is still true if every return address stands where it stood, which is checked
// Complexity: O(frames): a rule per new frame, two loads per old one. A system call only where the stack has never been.
// Failure:    a frame that no rule and no frame pointer leads out of ends the walk: the stack is then cut.
// Threads:    an unwinder belongs to a thread. Nothing locks or allocates; async-signal-safe; errno is kept.
// Invariants: unwinder.I1  memory is read only where stack_memory covers it
//             unwinder.I2  frames_[0 .. shared) are those of the walk before: same code, same places on the stack
// Checked by: tests/observe/unwind
//
// x86-64 only. Elsewhere a walk gives the first address, cut.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rule_cache.hpp"
#include "stack_memory.hpp"

namespace ashlar::unwind {

inline constexpr bool is_supported =
#if defined(__x86_64__)
    true;
#else
    false;
#endif

/// Where a walk begins: in the caller of a function, as that function sees it.
struct registers {
    std::uintptr_t pc;
    std::uintptr_t sp;
    std::uintptr_t fp;
};

/// @pre frame is __builtin_frame_address(0) of a function that keeps one @returns its caller's registers
inline registers caller_of(const void* frame) noexcept {
    const auto* at = static_cast<const std::uintptr_t*>(frame);
    return {at[1], reinterpret_cast<std::uintptr_t>(at + 2), at[0]};
}

class unwinder {
public:
    /// No walk gives more. A deeper stack is cut, from outside.
    static constexpr std::size_t most = 256;

    struct frame {
        std::uintptr_t sp;     ///< after the call in it has returned: that address stands right below
        std::uintptr_t ip;     ///< where it goes on; for what a signal interrupted: one past that place
        std::uintptr_t fp;     ///< true if fp_matters
        std::uintptr_t fp_in;  ///< the address on the stack from which fp was restored; 0: a callee left it alone
        std::uint32_t node;    ///< the owner's, kept while the frame is shared
        bool uses_fp;          ///< the way out of here is told by fp
        bool restores_fp;      ///< fp is another one further out
        bool fp_matters;       ///< the way out of here, or of a frame that gets fp from here, is told by fp
    };

    constexpr unwinder() noexcept = default;

    /// Walks until nobody called, or `most` frames are known. Frames are compared with those of the walk before unless the
    /// walk is off the thread's own stack; a stack that was cut before is walked anew if less than `enough` of it is left.
    void walk(registers from, std::size_t enough) noexcept;

    /// From the outermost to the innermost.
    frame* frames() noexcept { return frames_; }
    std::size_t size() const noexcept { return size_; }
    /// How many of them, from the outermost, are those of the walk before.
    std::size_t shared() const noexcept { return shared_; }
    /// Whether there are calls outside of the outermost that are not known.
    bool cut() const noexcept { return cut_; }
    /// The next walk shares nothing.
    void forget() noexcept { size_ = 0; }

    /// Frames of this range of code are left out where a walk begins: the recorder's own.
    static void leave_out(std::uintptr_t begin, std::uintptr_t end) noexcept;

private:
    struct state {
        std::uintptr_t ip, sp, fp;
        std::uintptr_t fp_in = 0;
        bool interrupted = false;  ///< ip is where it goes on, not the address after a call
    };
    enum class outcome : std::uint8_t { stepped, bottom, lost };

    /// Goes from s to its caller, and notes in f how.
    outcome step(const rule_cache::view& known, state& s, frame& f) noexcept;
    outcome step_further(state& s, frame& f, rule r) noexcept;
    outcome step_by_signal(state& s) noexcept;
    outcome step_by_frame_pointer(state& s, frame& f) noexcept;
    outcome leave(state& s, frame& f, std::uintptr_t cfa) noexcept;
    outcome no_way_out(const state& s) const noexcept;
    bool leads_to_module(std::uintptr_t fp) noexcept;
    bool leave_own_code(const rule_cache::view& known, state& s) noexcept;
    bool go(rule_cache::view known, state s, std::size_t old, std::size_t& fresh) noexcept;
    std::size_t meet(const state& s, std::size_t from) const noexcept;
    std::size_t first_untrue(std::size_t from) const noexcept;
    void copy_true(state& s, std::size_t from, std::size_t to, std::size_t& fresh) noexcept;
    void settle(std::size_t fresh) noexcept;
    frame* fresh_at(std::size_t i) noexcept { return fresh_ + (most - 1 - i); }

    frame frames_[most] = {};
    frame fresh_[most] = {};      ///< filled from the end while walking, so that the outermost stands first
    std::size_t size_ = 0;
    std::size_t shared_ = 0;
    bool cut_ = false;
    bool cut_by_most_ = false;    ///< and not because the way out was lost
    bool comparable_ = false;     ///< frames_ lie on the thread's own stack, one above the other
    bool not_comparable_ = false; ///< this walk crossed a signal's frame, or a realigned one
    std::uintptr_t chain_end_ = 0;  ///< frames below are of code without tables, and were followed to a module
    stack_memory memory_;
};

}  // namespace ashlar::unwind
