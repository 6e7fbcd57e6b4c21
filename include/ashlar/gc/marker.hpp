// ashlar/gc/marker.hpp - marks what is reachable, with a stack that cannot run out.
//
// Layer:      gc
// Source:     Jones, Hosking and Moss, "The Garbage Collection Handbook", 2nd ed., 2.6 and 4.6 (overflow, prefetching).
// Picture:    mark(p): bit set, p pushed -> [stack] -> [8 in flight, headers being fetched] -> references visited
// Complexity: O(1) an edge; an array is visited a hundred elements at a time, so the stack is as high as the graph is deep.
// Failure:    none: where the stack cannot grow, objects are marked and forgotten, `overflowed` says so, and the heap is
//             then walked for them. It costs time, never an object.
// Threads:    those of the heap.
// Invariants: marker.I1  an object is pushed once: when its first bit is set
//             marker.I2  the other bits of an object are set when its references are visited
// Checked by: tests/gc/marker_test.cpp, tests/gc/collected_heap_model_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/compose/any_ref.hpp"
#include "ashlar/gc/tile.hpp"

namespace ashlar::gc::detail {

/// What a reference in an object is to the collector: the address of an object, or null.
struct reference {
    void* target = nullptr;
};

struct ephemeron_links;

inline bool is_marked(const void* object) noexcept { return test(tile_of(object)->marks, index_of(object)); }

class marking_team;

class marker {
public:
    /// Of the upstream the stack takes at most `most` bytes.
    explicit marker(any_ref upstream, std::size_t most = static_cast<std::size_t>(-1)) noexcept
        : upstream_(upstream), most_(most) {}
    marker(const marker&) = delete;
    marker& operator=(const marker&) = delete;
    ~marker() { trim(); }

    [[gnu::always_inline]] void mark(void* object) noexcept {
        if (object == nullptr) return;
        const std::size_t i = index_of(object);
        std::uint64_t& word = tile_of(object)->marks[i / 64];
        if ((word & bit(i)) != 0) return;
        word |= bit(i);
        push(reinterpret_cast<std::uintptr_t>(object));  // marker.I1
    }
    /// Sets the marks of the object's granules behind the first.
    [[gnu::always_inline]] void mark_rest(const void* object, std::size_t granules) noexcept {
        if (granules < 2) return;
        const std::size_t i = index_of(object);
        if (i % 64 + granules < 64) tile_of(object)->marks[i / 64] |= (bit(granules) - 1) << (i % 64);
        else set_run(tile_of(object)->marks, i, granules);
    }
    bool has(const void* object) const noexcept { return is_marked(object); }
    /// What `trace` calls for each reference.
    [[gnu::always_inline]] void slot(reference& r) noexcept { mark(r.target); }

    /// An array is visited in parts: from where, and that there is more of it.
    std::size_t resumed_at() const noexcept { return resumed_at_; }
    void resume(void* object, std::size_t index) noexcept {
        if (room() < 2 && !grow()) {
            overflowed_ = true;
            return;
        }
        *top_++ = index << 2 | index_bit;
        *top_++ = reinterpret_cast<std::uintptr_t>(object) | resumed_bit;
    }

    /// Visits at most `most` objects or parts of arrays. @returns how many; fewer means that nothing is left
    std::size_t drain(std::size_t most) noexcept { return drain_as(*this, most); }
    void drain() noexcept {
        while (drain(static_cast<std::size_t>(-1)) == static_cast<std::size_t>(-1)) {}
    }
    /// Visits its references again, and drains.
    void revisit(void* object) noexcept;

    bool take_overflow() noexcept {
        const bool was = overflowed_;
        overflowed_ = false;
        return was;
    }
    /// Ephemerons whose keys are not marked yet wait here (weak.hpp) until the collector takes the list.
    ephemeron_links* waiting_ephemerons = nullptr;

    std::size_t bytes() const noexcept { return base_ == first_ ? 0 : static_cast<std::size_t>(end_ - base_) * sizeof *base_; }
    void limit(std::size_t most) noexcept { most_ = most; }

    std::size_t height() const noexcept { return static_cast<std::size_t>(top_ - base_); }
    /// Moves at most so many words from the stack's foot, where the longest work is. @returns how many
    std::size_t give(std::uintptr_t* to, std::size_t most) noexcept;
    /// @pre nothing is on the stack; n is at most 256
    void receive(const std::uintptr_t* from, std::size_t n) noexcept;
    /// With all that is on it, and its memory. @pre this one's is empty
    void take_stack(marker& other) noexcept;
    /// What another has left: ephemerons that wait, and whether it had to forget objects.
    void take_over(marker& other) noexcept;

    /// Gives the stack's memory back. @pre nothing is on it
    void trim() noexcept;

protected:
    /// Sets the object's further bits and visits its references (marker.I2).
    template <class M>
    static void visit(M& as, void* object) noexcept;
    template <class M>
    std::size_t drain_as(M& as, std::size_t most) noexcept;

    static constexpr std::uintptr_t resumed_bit = 1;
    static constexpr std::uintptr_t index_bit = 2;  ///< what stands below a resumed one
    static constexpr std::size_t in_flight = 8;

    std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - top_); }
    void push(std::uintptr_t entry) noexcept {
        if (top_ == end_ && !grow()) [[unlikely]] {
            overflowed_ = true;
            return;
        }
        *top_++ = entry;
    }
    bool grow() noexcept;
    bool grow_alone() noexcept;
    marking_team* team_ = nullptr;  ///< of a shared_marker
    any_ref upstream_;
    std::size_t most_;
    std::size_t resumed_at_ = 0;
    bool overflowed_ = false;
    std::uintptr_t* base_ = first_;
    std::uintptr_t* top_ = first_;
    std::uintptr_t* end_ = first_ + 256;
    std::uintptr_t flying_[in_flight] = {};  ///< a queue: `flying_count_` of them, the oldest at `oldest_flying_`
    std::size_t oldest_flying_ = 0, flying_count_ = 0;
    std::uintptr_t first_[256];
};

/// One of several that mark a heap at once (src/gc/team.hpp). What the atomic operations order is nothing: the objects are
/// as they were before marking, and an object is visited by the one that set its first bit.
class shared_marker : public marker {
public:
    shared_marker(any_ref upstream, std::size_t most, marking_team* t) noexcept : marker(upstream, most) { team_ = t; }

    void mark(void* object) noexcept {
        if (object == nullptr || has(object)) return;
        const std::size_t i = index_of(object);
        const std::uint64_t was = __atomic_fetch_or(&tile_of(object)->marks[i / 64], bit(i), __ATOMIC_RELAXED);  // pairs with nothing
        if ((was & bit(i)) == 0) push(reinterpret_cast<std::uintptr_t>(object));
    }
    void slot(reference& r) noexcept { mark(r.target); }
    void mark_rest(const void* object, std::size_t granules) noexcept {
        for_run(tile_of(object)->marks, index_of(object), granules, [](std::uint64_t& word, std::uint64_t mask) {
            __atomic_fetch_or(&word, mask, __ATOMIC_RELAXED);  // pairs with nothing
        });
    }
    bool has(const void* object) const noexcept {
        const std::size_t i = index_of(object);
        return (__atomic_load_n(&tile_of(object)->marks[i / 64], __ATOMIC_RELAXED) & bit(i)) != 0;  // pairs with nothing
    }
    std::size_t drain(std::size_t most) noexcept { return drain_as(*this, most); }
};

}  // namespace ashlar::gc::detail
