// ashlar/malloc/span.hpp - the record of a run of slices: what its blocks are, whose it is, which are free.
//
// Layer:      malloc
// Picture:    record (metadata)                 slices (64 KiB each)
//             [ owner free countdown magic ] -> | block | block | block | not carved yet |
//             [ remote, links              ]      used    free    used
// Complexity: a record is two cache lines: the first is the owner's, the second other threads write to.
// Failure:    none.
// Threads:    the owner's fields by the owning heap alone; `remote` by anyone; `owner` is atomic.
// Invariants: span.I1  blocks out = countdown + held; blocks out + blocks in free and spare = carved
//             span.I2  held != 0 only while the span is full, that is, in its heap's list of full spans
//             span.I3  limit == 0 where the fast path of free must not go: other kinds than small, a span that
//                      is kept though nothing of it is out, and everything when blocks are cleared on free
// Checked by: tests/malloc/span_test.cpp
//
// `countdown` makes one decrement serve three ends: it reaches zero when a full span has enough free blocks to
// be used again, and when a span has become empty; the slow path finds out which (held tells).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/malloc/remote_list.hpp"

namespace ashlar::malloc {

enum class span_kind : std::uint8_t {
    none,    ///< what the page map gives for memory that is not ours
    small,   ///< one slice of equal blocks
    medium,  ///< several slices of equal blocks
    run,     ///< slices that are one block
    mapped,  ///< a mapping of its own that is one block
};

template <atomics_policy Atomics = std_atomics>
struct alignas(64) span {
    using node = free_block<Atomics>;

    typename Atomics::template atomic<void*> owner{nullptr};  ///< the heap; null: of no thread (large blocks)
    node* free = nullptr;                                     ///< blocks that the owner freed
    std::uint32_t countdown = 0;
    std::uint32_t magic = 0;  ///< of block_size for small spans: offset * magic < magic tells a multiple
    std::uint32_t limit = 0;  ///< magic where the fast path of free may serve the span, else 0
    std::uint32_t held = 0;
    typename Atomics::template atomic<std::uint32_t> carved_blocks{0};  ///< see carved()
    std::uint32_t capacity = 0;
    std::uint32_t touched = 0;  ///< bytes at the front that may not read as zero though never carved; see reads_as_zero
    std::uint8_t size_class = 0;
    span_kind kind = span_kind::none;
    bool shared = false;  ///< its blocks belong to a heap for any thread (shared_heap.hpp)
    std::byte* start = nullptr;
    std::size_t block_size = 0;  ///< usable bytes of a block

    alignas(64) remote_list<Atomics> remote;
    typename Atomics::template plain<span*> next_in_mail{nullptr};
    span* next = nullptr;  ///< in a list of the heap, or of records not in use
    span* previous = nullptr;
    node* spare = nullptr;  ///< a chain that came home while `free` was not empty
    std::uint32_t spare_count = 0;
    std::uint32_t slices = 0;
    node* free_at_fork = nullptr;  ///< `free` when the process forked last: the child may trust what it leads to

    /// Blocks that were handed to the free lists at least once. relaxed: only the owner changes it, and for whoever
    /// holds a block it is never below that block's place.
    std::uint32_t carved() const noexcept { return carved_blocks.load(std::memory_order_relaxed); }
    void set_carved(std::uint32_t n) noexcept { carved_blocks.store(n, std::memory_order_relaxed); }
    std::uint32_t used() const noexcept { return countdown + held; }
    bool has_free() const noexcept { return free != nullptr || spare != nullptr; }
    /// @returns whether what lies behind the first `from` bytes, and was never carved, reads as zero: in a single slice
    ///          what was touched before lies in front, of several (and of a mapping) nothing is known but whether any was
    bool reads_as_zero(std::size_t from) const noexcept { return touched == 0 || (slices == 1 && from >= touched); }
    bool extendable() const noexcept { return carved() < capacity; }
};

/// @returns the magic of a block size: for offset < 2^16 and size in [16, 2^15], offset is a multiple of size
///          if and only if offset * magic (mod 2^32) < magic
/// @source Lemire, Kaser, Kurz, "Faster remainder by direct computation", Software: Practice and Experience, 2019
constexpr std::uint32_t divisor_magic(std::uint32_t size) noexcept { return 0xffffffffu / size + 1; }

/// A doubly linked list of spans; a span is in one at most.
template <class Span>
class span_list {
public:
    Span* front() const noexcept { return front_; }
    void push_front(Span* s) noexcept {
        s->previous = nullptr;
        s->next = front_;
        if (front_ != nullptr) front_->previous = s;
        front_ = s;
    }
    /// Puts s behind the front span, which stays where it is.
    void push_second(Span* s) noexcept {
        if (front_ == nullptr) return push_front(s);
        s->previous = front_;
        s->next = front_->next;
        if (s->next != nullptr) s->next->previous = s;
        front_->next = s;
    }
    void remove(Span* s) noexcept {
        (s->previous != nullptr ? s->previous->next : front_) = s->next;
        if (s->next != nullptr) s->next->previous = s->previous;
        s->next = s->previous = nullptr;
    }

private:
    Span* front_ = nullptr;
};

}  // namespace ashlar::malloc
