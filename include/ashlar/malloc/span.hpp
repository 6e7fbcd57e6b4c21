// ashlar/malloc/span.hpp - the record of a run of slices: what its blocks are, whose it is, which are free.
//
// Layer:      malloc
// Picture:    record (metadata)                 slices (64 KiB each)
//             [ free tag countdown magic ] -> | block | block | block | not carved yet |
//             [ owner, remote, links     ]      used    free    used
// Complexity: a record is two cache lines: the first is the owner's, the second other threads write to.
// Failure:    none.
// Threads:    the owner's fields by the owning heap alone; `remote` by anyone; `owner` and `tag` are atomic.
// Invariants: span.I1  blocks out = countdown + held; blocks out + blocks in free = carved
//             span.I2  held != 0 only while the span is full, that is, in its heap's list of full spans
//             span.I3  it is open only where the fast path of free may go: not of other kinds than small, nor of a
//                      span that is kept though nothing of it is out, nor when every free is to take the slow path
//             span.I4  of blocks whose size is not a class's, step == 0: no size deletes them on the fast path
// Checked by: tests/malloc/span_test.cpp
//
// `countdown` makes one decrement serve three ends: it reaches zero when a full span has enough free blocks to
// be used again, and when a span has become empty; the slow path finds out which (held tells).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/word.hpp"
#include "ashlar/malloc/remote_list.hpp"

namespace ashlar::malloc {

enum class span_kind : std::uint8_t {
    none,    ///< what the page map gives for memory that is not ours
    small,   ///< one slice of equal blocks
    medium,  ///< several slices of equal blocks
    run,     ///< slices that are one block
    mapped,  ///< a mapping of its own that is one block
    guarded, ///< one block between guard pages (span_store_guarded.hpp)
    arena,   ///< one slice of blocks of any sizes, side by side (heap_routed.hpp)
};

/// Classes above small_class_limit are multiples of this.
inline constexpr std::uint32_t large_unit = 256;

template <atomics_policy Atomics = std_atomics>
struct alignas(64) span {
    using node = free_block<Atomics>;

    std::uintptr_t free = 0;  ///< blocks that the owner freed, encoded (encoded_link.hpp)
    typename Atomics::template atomic<std::uint64_t> tag{0};  ///< whose it is, and whether it is open; see serves()
    std::uint32_t countdown = 0;
    std::uint32_t magic = 0;  ///< of block_size for small spans: offset * magic < magic tells a multiple
    std::uint16_t held = 0;
    std::uint16_t capacity = 0;
    typename Atomics::template atomic<std::uint32_t> carved_blocks{0};  ///< see carved()
    std::uint32_t unit_magic = 0;  ///< of block_size / large_unit where a heap may keep freed blocks ready, else 0
    std::uint8_t size_class = 0;
    // These three change under the store's lock alone, which is held by who counts spans; `shared` has a byte of its own.
    span_kind kind : 6 = span_kind::none;
    bool ended : 1 = false;   ///< its one block was freed, and its addresses are kept out of use: any touch is a fault
    bool fenced : 1 = false;  ///< with `harden`: a page behind its last block is one that nobody may touch
    bool shared = false;  ///< its blocks belong to a heap for any thread (shared_heap.hpp)
    std::uint8_t forks = 0;  ///< of its store when it began: marks in older ones are no proof (heap_fork.I1)
    std::byte* start = nullptr;
    std::size_t block_size = 0;  ///< usable bytes of a block
    std::size_t step = 0;        ///< sizes in (block_size - step, block_size] are of its class

    alignas(64) typename Atomics::template atomic<void*> owner{nullptr};  ///< the heap; null: of no thread (large)
    remote_list<Atomics> remote;
    typename Atomics::template plain<span*> next_in_mail{nullptr};
    span* next = nullptr;  ///< in a list of the heap, or of records not in use
    span* previous = nullptr;
    std::uint32_t slices = 0;
    std::uint32_t touched = 0;  ///< bytes at the front that may not read as zero though never carved; see reads_as_zero
    std::uint32_t free_at_fork = 0;  ///< the place of `free` when the process forked last: the child may trust that list

    /// A block's address in four bytes; 0 for none.
    std::uint32_t place_of(const node* block) const noexcept {
        if (block == nullptr) return 0;
        return static_cast<std::uint32_t>(reinterpret_cast<const std::byte*>(block) - start) / 16 + 1;
    }
    node* at_place(std::uint32_t place) const noexcept {
        return place == 0 ? nullptr : reinterpret_cast<node*>(start + (std::size_t{place} - 1) * 16);
    }
    /// Blocks that were handed to the free lists at least once. relaxed: only the owner changes it, and for whoever
    /// holds a block it is never below that block's place.
    std::uint32_t carved() const noexcept { return carved_blocks.load(std::memory_order_relaxed); }
    void set_carved(std::uint32_t n) noexcept { carved_blocks.store(n, std::memory_order_relaxed); }
    std::uint32_t used() const noexcept { return countdown + held; }
    bool has_free(std::uintptr_t key) const noexcept { return free != node::encoded(nullptr, key); }
    /// @returns whether what lies behind the first `from` bytes, and was never carved, reads as zero: in a single slice
    ///          what was touched before lies in front, of several (and of a mapping) nothing is known but whether any was
    bool reads_as_zero(std::size_t from) const noexcept { return touched == 0 || (slices == 1 && from >= touched); }

    // One word for "is it mine, is it open, and is the offset that of a block": offset * magic (mod 2^32) is below
    // magic for blocks alone, so the sum with the tag keeps the heap's number in its upper half for those alone, and
    // for nothing when the span is closed.
    bool serves(std::uint32_t heap_id, std::uint32_t offset) const noexcept {
        return static_cast<std::uint32_t>(sum_with(tag, std::uint64_t{offset * magic}) >> 32) == heap_id;
    }
    /// The same of whatever heap it is.
    bool is_open_at(std::uint32_t offset) const noexcept {
        const std::uint64_t word = tag.load(std::memory_order_relaxed);
        return static_cast<std::uint32_t>(word) != 0 && (word + std::uint64_t{offset * magic}) >> 32 == word >> 32;
    }
    void open(std::uint32_t heap_id) noexcept {
        tag.store(open_tag(std::uint64_t{heap_id}, std::uint64_t{magic}), std::memory_order_relaxed);
    }
    template <word W>
    static constexpr W open_tag(W heap_id, W magic) noexcept { return shl(heap_id + W(1), W(32)) - magic; }
    static constexpr std::uint64_t closed_tag(std::uint32_t heap_id) noexcept { return open_tag(std::uint64_t{heap_id}, std::uint64_t{0}); }
    void close(std::uint32_t heap_id) noexcept { tag.store(closed_tag(heap_id), std::memory_order_relaxed); }
    bool is_closed() const noexcept { return static_cast<std::uint32_t>(tag.load(std::memory_order_relaxed)) == 0; }
    /// @returns whether a block that was carved starts there. @pre unit_magic != 0
    bool has_block_at(std::uint32_t offset) const noexcept {
        return offset % large_unit == 0 && offset / large_unit * unit_magic < unit_magic && offset < carved() * block_size;
    }
    bool extendable() const noexcept { return carved() < capacity; }
};

/// The numbers of threads' heaps are even, from 2: what a sum that is no block's carries over to is nobody's.
inline constexpr std::uint32_t first_heap_id = 2;
inline constexpr std::uint32_t no_thread_id = 0;  ///< of heaps that no thread has for its own: all their frees are slow
inline constexpr std::uint32_t no_heap_id = ~std::uint32_t{0};  ///< what a thread without a heap compares with

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
