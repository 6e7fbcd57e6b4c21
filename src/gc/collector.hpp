// The part of a heap that is not inlined: its tiles and large objects, collection, destructors, checks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ashlar/foundation/layout.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/weak.hpp"

namespace ashlar::gc::detail {

/// Slots of roots: each block is as long as all before it.
struct slot_chunk {
    slot_chunk* next;
    std::size_t bytes;
    std::size_t unused;  // the slots are to lie at odd multiples of 8 (root.I2)

    std::span<root_slot> slots() noexcept {
        return {reinterpret_cast<root_slot*>(this + 1), (bytes - sizeof(slot_chunk)) / sizeof(root_slot)};
    }
};
static_assert(sizeof(slot_chunk) % 16 == 8);

/// Nodes of weak references, a hundred to a block of the upstream.
class node_pool {
public:
    weak_node* take(collector& c) noexcept;  ///< null where the upstream refuses
    void put(weak_node* n) noexcept;
    static node_pool& home(weak_node* n) noexcept;
    std::size_t in_use() const noexcept { return in_use_; }
    void release(collector& c) noexcept;

private:
    static constexpr std::size_t block_size = 4096;
    struct node_block;
    node_block* blocks_ = nullptr;
    weak_node* free_ = nullptr;
    std::size_t in_use_ = 0;
};

/// How much may be done now: without limit, until a time, or a number of units.
class budget {
public:
    budget() noexcept = default;
    explicit budget(std::size_t units) noexcept : units_(units) {}
    explicit budget(std::chrono::steady_clock::time_point end) noexcept : timed_(true), end_(end) {}
    /// Called after each unit of work. @returns is_spent
    bool spent() noexcept;
    bool is_spent = false;

private:
    bool timed_ = false;
    std::size_t units_ = 0;
    std::chrono::steady_clock::time_point end_{};
};

enum class phase : unsigned char { idle, marking, sweeping };

class collector {
public:
    collector(heap& h, any_ref upstream, const options& o) noexcept;
    ~collector();

    static collector* make(heap& h, any_ref upstream, const options& o);
    static void end(collector* c) noexcept;
    static collector& of(const void* object) noexcept { return *tile_of(object)->owner->collector_; }
    static collector& of(heap& h) noexcept { return *h.collector_; }

    // space.cpp: memory
    void* allocate_small(const descriptor& d, std::size_t granules) noexcept;
    void* allocate_large(const descriptor& d, std::size_t bytes, std::size_t align) noexcept;
    block obtain(std::size_t bytes, std::size_t align) noexcept;  ///< null data where refused, or above the hard limit (collected_heap.I4)
    void give_back(void* p, std::size_t bytes, std::size_t align) noexcept;
    void retire_holes() noexcept;  ///< afterwards every bit of `occupied` is of an object (tile.I3)
    void scrub(std::byte* p, std::size_t n) noexcept;
    void release_empty(std::size_t keep, budget& b) noexcept;

    // collect.cpp
    bool may_collect() const noexcept { return heap_.constructing_ == 0 && heap_.no_gc_ == 0 && !destroying_; }
    void collect() noexcept;
    bool compact(double sparse) noexcept;
    bool evacuate(double sparse) noexcept;
    std::size_t allowance() const noexcept;  ///< bytes that may be made between two collections
    std::size_t destroy_waiting() noexcept;
    std::size_t destroy_waiting(budget& b) noexcept;
    void destroy_all() noexcept;

    // step.cpp
    bool advance(budget& b, bool run_destructors) noexcept;
    void finish_cycle() noexcept;
    void tell(happening what, std::size_t bytes) const noexcept {
        if (options_.listener.tell != nullptr) options_.listener.tell(options_.listener.to, what, bytes);
    }
    void note_pause(std::chrono::nanoseconds took) noexcept;

    // young.cpp
    void collect_young() noexcept;
    void remember(void* object) noexcept;
    void forget_remembered() noexcept {
        remembered_count_ = 0;
        forgot_ = false;
    }
    bool is_remembered(const void* object) const noexcept;  ///< slow
    void all_are_old() noexcept;
    /// Keeps tile.I6: the member leads to the object now.
    void note_store(const void* member, void* object) noexcept {
        tile* const t = tile_of(object);
        if (t->large_offset != 0 || test(t->old, index_of(object))) return;  // only full collections end large ones
        const tile* const from = tile_of(member);
        if ((from == t || has_tile(from)) && !from->unswept && !test(from->old, index_of(member))) return;
        remember(object);
    }
    bool has_tile(const tile* t) const noexcept;  ///< of small objects

    // verify.cpp
    verdict verify() noexcept;
    bool has_object_in(const tile* t) const noexcept;

    root_node& pins() noexcept { return heap_.pins_; }
    /// Calls f with the place of every address that a root or a pin holds.
    template <class F>
    void each_root(F f) noexcept {
        for (slot_chunk* c = chunks_; c != nullptr; c = c->next) {
            for (root_slot& s : c->slots()) {
                if (s.object != nullptr && reinterpret_cast<std::uintptr_t>(s.object) % granule == 0) f(s.object);  // root.I2
            }
        }
        for (root_node* p = heap_.pins_.next; p != &heap_.pins_; p = p->next) f(p->object);
    }
    root_slot* more_slots() noexcept;  ///< null where memory is refused
    std::size_t slots_in_use() const noexcept;

    // snapshot.cpp
    population count(const descriptor& d);
    void write_snapshot(heap::write_function write, void* to);
    /// Calls visit(object, its descriptor, bytes) for all that are not dead, the small ones in order.
    template <class F>
    void each_object(F visit);
    /// Calls visit(tile, granules in use of each 16 KiB of it): the picture to look at before and after a compaction.
    template <class F>
    void each_tile(F visit) const;

    heap& heap_;
    any_ref upstream_;
    options options_;
    statistics statistics_{};
    marker marker_;
    node_pool nodes_;
    root_node weaks_;
    slot_chunk* chunks_ = nullptr;
    tile** tiles_ = nullptr;  ///< by address
    std::size_t tile_count_ = 0, tile_room_ = 0;
    tile* large_ = nullptr;
    bump medium_;
    std::size_t made_since_ = 0;  ///< bytes, since the last collection
    std::size_t large_waiting_ = 0;
    tile* unswept_large_ = nullptr;
    std::size_t sweep_at_ = 0, swept_live_ = 0;
    std::size_t paid_at_ = 0;
    std::size_t full_live_ = 0;  ///< what the last full collection left
    void** remembered_ = nullptr;
    std::size_t remembered_count_ = 0, remembered_room_ = 0;
    bool forgot_ = false;  ///< one that had to be remembered: there was no room
    bool remembers_ = false;  ///< what members tell: in a generational heap, but while objects are moved
    bool young_only_ = false;
    unsigned full_ones_due_ = 0, full_ones_next_ = 1;  ///< young collections that freed little are not repeated at once
    phase phase_ = phase::idle;
    bool told_members_ = false;
    bool marking_ = false;  ///< what is made is marked
    bool destroying_ = false;

private:
    void* bump_or_find(bump& b, std::size_t granules) noexcept;
    bool find_hole(bump& b, std::size_t granules) noexcept;
    bool add_tile(bump& b) noexcept;
    void retire(bump& b) noexcept;
    bool room_for_tile() noexcept;
    void consider_collecting() noexcept;
    void collect_in_make(bool young = false) noexcept;

    verdict look_at_all() noexcept;
    void begin_marking() noexcept;
    void mark_roots() noexcept;
    void finish_marking() noexcept;
    void drain_marker() noexcept;
    void revisit_marked() noexcept;
    bool unlock_ephemerons() noexcept;
    void end_marking() noexcept;
    bool sweep(budget& b) noexcept;
    void begin_cycle() noexcept;
    bool mark(budget& b) noexcept;
    void pay_debt(std::size_t enough) noexcept;
    void sweep_references() noexcept;
    void sweep_tile(tile* t) noexcept;
    void sweep_one_large() noexcept;
    void destroy_object(void* object) noexcept;
    void destroy_waiting_in(tile* t, budget& b) noexcept;
    void free_large(tile* t) noexcept;
};

template <class F>
void collector::each_object(F visit) {
    if (phase_ != phase::idle) finish_cycle();
    retire_holes();
    for (std::size_t i = 0; i != tile_count_; ++i) {
        for_each_object(tiles_[i], tiles_[i]->occupied, [&](void* object, std::size_t) {
            const header h = header_of(object);
            if (h.type() != &filler && !h.waiting()) visit(object, *h.type(), h.granules() * granule);
        });
    }
    for (tile* t = large_; t != nullptr; t = t->next) {
        std::byte* const object = object_at(t, t->large_offset / granule);
        if (header_of(object).type() != &filler && !header_of(object).waiting()) visit(object, *header_of(object).type(), t->bytes);
    }
}

template <class F>
void collector::each_tile(F visit) const {
    constexpr std::size_t at_once = 16 * 1024 / granule / 64;
    for (std::size_t k = 0; k != tile_count_; ++k) {
        std::size_t used[words / at_once] = {};
        for (std::size_t w = 0; w != words; ++w) used[w / at_once] += count_bits(tiles_[k]->occupied[w]);
        visit(static_cast<const void*>(tiles_[k]), std::span<const std::size_t>(used));
    }
}

}  // namespace ashlar::gc::detail
