// src/observe/recorder/recorder.hpp - write down what a thread asks of malloc, without asking anything of malloc.
//
// Layer:      observe
// Source:     docs/trace_format.md says what is written when.
// Picture:    a release:  [ write it down ][ the next free    ]      so that nobody else is seen to get the address
//             a request:  [ the next malloc ][ write it down  ]      before it was released
//             a move:     [ begin ... the next realloc ... end, written down with both times ]
// Complexity: O(1); no system call unless a chunk is full.
// Failure:    where nothing can be written, the program runs on as if there were no recorder.
// Threads:    any, at any time of the process: before constructors, in destructors, after a fork of whichever kind.
// Invariants: recorder.I1  a thread's stream is written by that thread alone, one record at a time (enter())
//             recorder.I2  a process writes only to its own file: epoch differs in a fork's child
// Checked by: tests/observe/recorder
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../trace_stream.hpp"
#include "call_stacks.hpp"
#include "control.hpp"
#include "sampled.hpp"

namespace ashlar::recorder {

/// What the epoch word says when it is not the number of a recording.
inline constexpr std::uint32_t epoch_unstarted = 0;  ///< nothing yet, or a fork's child: the kernel wiped the word
inline constexpr std::uint32_t epoch_off = 1;        ///< nothing to record to, for good
inline constexpr std::uint32_t epoch_resting = 2;    ///< not asked to record now (control.hpp)

struct thread_record {
    const void* guard = nullptr;          ///< the frame of the call that is inside, see enter()
    std::uint32_t epoch = ~std::uint32_t{0};  ///< the recording that stream belongs to
    std::uint32_t dropped = 0;            ///< events not yet counted in the header
    std::uint32_t nested = 0;             ///< calls from within since guard was set
    int destructor_rounds = 0;
    bool has_ended = false;               ///< thread_end is written
    bool is_sample = false;               ///< of the recording: it is one
    bool tells_maps = false;              ///< of the recording: mappings and libraries are told
    std::uint32_t process = 0;            ///< in which the thread attached to it
    std::uint32_t stack_depth = 0;        ///< of the recording: frames kept of a request's stack; 0: stacks are not told
    trace_file* file = nullptr;           ///< of the recording
    sample_clock samples;
    call_stacks* stacks = nullptr;        ///< made when the thread first tells one
    trace_stream stream;
};

extern thread_local constinit thread_record own [[gnu::tls_model("initial-exec")]];
extern constinit std::atomic<std::atomic<std::uint32_t>*> epoch;

/// Starts the recording, or begins the thread's stream, or neither. @returns whether events can be written now
[[gnu::cold]] bool attach(thread_record& t) noexcept;
[[gnu::cold]] void count_dropped(thread_record& t) noexcept;

/// The calls that led to the one whose frame this is. @pre inside, t.stack_depth != 0
[[gnu::noinline]] std::uint32_t note_stack(thread_record& t, const void* frame, std::uint64_t ticks) noexcept;

/// Bytes between samples; 0: everything is recorded, or nothing.
inline constexpr std::uint64_t not_known_yet = ~std::uint64_t{0};
extern constinit std::atomic<std::uint64_t> sample_mean;
/// Whether a recording of this process tells mappings and libraries; who acts on it asks the recording again.
extern constinit std::atomic<bool> maps_are_told;
extern constinit sampled_blocks sampled;
/// The clock has run out, or was never set. @pre sample_mean != 0 @returns whether the request is to be recorded
[[gnu::cold]] bool is_due(thread_record& t, std::uint64_t size) noexcept;

[[gnu::always_inline]] inline bool ready(thread_record& t) noexcept {
    return __builtin_expect(epoch.load(std::memory_order_acquire)->load(std::memory_order_relaxed) == t.epoch, true) ||
           attach(t);
}

/// A call while the thread is marked as inside already. @returns whether the mark is dead and this call may go on
[[gnu::cold]] bool take_over(thread_record& t, const void* here) noexcept;

/// Marks the thread as inside. A call from within is either the next malloc's own business or a signal handler's in the
/// middle of a record; neither is written down. @returns whether this call is the outer one
[[gnu::always_inline]] inline bool enter(thread_record& t) noexcept {
    const void* here = __builtin_frame_address(0);
    if (t.guard != nullptr && !take_over(t, here)) [[unlikely]] return false;
    t.guard = here;  // recorder.I1
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return true;
}
inline void leave(thread_record& t) noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    t.guard = nullptr;
    t.nested = 0;
}

[[gnu::always_inline]] inline void write(thread_record& t, const event& e, record_time when) noexcept {
    if (!t.stream.write(*t.file, e, when)) [[unlikely]] count_dropped(t);
}

/// Writes down a request or release that happens now. @pre inside, ready()
[[gnu::always_inline]] inline void note(thread_record& t, event_kind kind, void* p, std::size_t size,
                                        std::size_t align) noexcept {
    const std::uint64_t now = t.file->clock().ticks();
    event e;
    e.kind = kind;
    e.address = reinterpret_cast<std::uint64_t>(p);
    e.size = size;
    e.alignment = align;
    e.failed = p == nullptr && requests(kind);
    if (requests(kind) && t.stack_depth != 0) [[unlikely]] e.stack = note_stack(t, __builtin_frame_address(0), now);
    write(t, e, {now, now});
}

/// What sample_mean says is used without order: who acts on it has attached to a recording before.
[[gnu::always_inline]] inline bool is_sample() noexcept { return sample_mean.load(std::memory_order_relaxed) != 0; }

/// The process is not to be recorded now: ends the recording under way, if there is one.
[[gnu::cold]] void be_idle(thread_record& t) noexcept;

/// @returns whether nothing is to be written down now
[[gnu::always_inline]] inline bool rests(thread_record& t) noexcept {
    if (!is_idle()) [[likely]] return false;
    be_idle(t);
    return true;
}

/// @returns whether a sample passes over a request of that size
[[gnu::always_inline]] inline bool passes_over(thread_record& t, std::uint64_t size) noexcept {
    return is_sample() && (t.samples.passes_over(size) || !is_due(t, size));
}

/// @returns whether events can be written now, and the recording is still the sample, or not, that the call began with: one may
///          have begun meanwhile
[[gnu::always_inline]] inline bool ready_as(thread_record& t, bool sample) noexcept { return ready(t) && t.is_sample == sample; }

/// The same, of what a sample does not pass over at once. Jumped to: what called the entry point called this.
template <class Call>
[[gnu::noinline]] void* request_in_full(event_kind kind, std::size_t size, std::size_t align, Call call, bool tells_refusal) noexcept {
    thread_record& t = own;
    if (rests(t) || passes_over(t, size) || !enter(t)) return call();
    const bool part = is_sample();
    void* p = call();
    if (ready_as(t, part) && (p == nullptr ? tells_refusal : !part || sampled.add(p))) note(t, kind, p, size, align);
    leave(t);
    return p;
}
/// The clock was set, so that there is a recording and with it the next malloc.
[[gnu::always_inline]] inline bool passes_over_at_once(std::uint64_t size) noexcept {
    return is_sample() && !is_idle() && own.samples.passes_over(size);
}
/// A request that call() serves or refuses with null. tells_refusal: a refusal is an event, too
template <class Call>
[[gnu::always_inline]] inline void* request(event_kind kind, std::size_t size, std::size_t align, Call call,
                                            bool tells_refusal = true) noexcept {
    return passes_over_at_once(size) ? call() : request_in_full(kind, size, align, call, tells_refusal);
}

/// As request_in_full.
template <class Call>
[[gnu::noinline]] void release_in_full(event_kind kind, void* p, std::size_t size, std::size_t align, Call call) noexcept {
    thread_record& t = own;
    const bool part = is_sample();
    if (rests(t) || (part && !sampled.may_hold(p)) || !enter(t)) return call();
    // ready() first: in a fork's child it makes the blocks anew, whose lock a thread of the parent may have held.
    if (ready_as(t, part) && (!part || sampled.take(p))) note(t, kind, p, size, align);
    call();
    leave(t);
}
/// A release of p. Whether to rest, the next request finds out. @pre p is not null
template <class Call>
[[gnu::always_inline]] inline void release(event_kind kind, void* p, std::size_t size, std::size_t align, Call call) noexcept {
    is_sample() && !sampled.may_hold(p) ? call() : release_in_full(kind, p, size, align, call);
}

/// A realloc of old. call(failed) returns the new address and says whether the old block is still there.
/// In a sample, the old block and the new one are looked at independently: what is told is either, or both.
template <class Call>
[[gnu::always_inline]] inline void* move(event_kind kind, void* old, std::size_t size, Call call) noexcept {
    thread_record& t = own;
    bool failed = false;
    bool tells_old = true, tells_new = true;
    if (rests(t)) return call(failed);
    if (is_sample()) {
        tells_new = !passes_over(t, size);
        tells_old = !is_sample() || (old != nullptr && sampled.may_hold(old));
        if (!tells_old && !tells_new) return call(failed);
    }
    if (!enter(t)) return call(failed);
    const bool part = is_sample();
    const bool on = ready_as(t, part);
    const std::uint64_t begin = on ? t.file->clock().ticks() : 0;
    if (part) tells_old = tells_old && on && sampled.take(old);
    void* p = call(failed);
    if (part) {
        if (failed && tells_old) sampled.add(old);
        tells_new = tells_new && (failed || (p != nullptr && sampled.add(p)));
        tells_old = tells_old && (!failed || tells_new);
    }
    if (on && (tells_old || tells_new)) {
        event e;
        if (!tells_new) {  // of a sample: a release, at the moment from which on others may have got the address
            e.kind = event_kind::free;
            e.address = reinterpret_cast<std::uint64_t>(old);
            write(t, e, {begin, begin});
        } else {
            e.kind = kind;
            e.address = reinterpret_cast<std::uint64_t>(p);
            e.size = size;
            e.old_address = tells_old ? reinterpret_cast<std::uint64_t>(old) : 0;
            e.failed = failed;
            const std::uint64_t end = t.file->clock().ticks();
            if (t.stack_depth != 0) [[unlikely]] e.stack = note_stack(t, __builtin_frame_address(0), end);
            write(t, e, {begin, end});
        }
    }
    leave(t);
    return p;
}

/// A fact about the process, or a request that was refused after all: address stays null.
void fact(event_kind kind, std::size_t size, std::size_t align = 0) noexcept;

}  // namespace ashlar::recorder
