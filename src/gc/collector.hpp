// The part of a heap that is not inlined: its tiles and large objects, collection, destructors, checks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/layout.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/weak.hpp"

namespace ashlar::gc::detail {

/// Nodes of weak references and globals, a hundred to a block of the upstream.
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
    void release_empty(std::size_t keep) noexcept;

    // collect.cpp
    bool may_collect() const noexcept { return heap_.constructing_ == 0 && heap_.no_gc_ == 0 && !destroying_; }
    void collect() noexcept;
    bool compact() noexcept;
    std::size_t destroy_waiting() noexcept;
    void destroy_all() noexcept;

    // verify.cpp
    verdict verify() noexcept;

    root_node& pins() noexcept { return heap_.pins_; }
    template <class F>
    void each_root(F f) noexcept {
        for (root_node* ring : {&heap_.roots_, &heap_.pins_}) {
            for (root_node* r = ring->next; r != ring; r = r->next) f(*r);
        }
    }

    heap& heap_;
    any_ref upstream_;
    options options_;
    statistics statistics_{};
    marker marker_;
    node_pool nodes_;
    root_node weaks_;
    tile** tiles_ = nullptr;  ///< by address
    std::size_t tile_count_ = 0, tile_room_ = 0;
    tile* large_ = nullptr;
    bump medium_;
    std::size_t made_since_ = 0;  ///< bytes, since the last collection
    std::size_t large_waiting_ = 0;
    bool marking_ = false;
    bool destroying_ = false;

private:
    void* bump_or_find(bump& b, std::size_t granules) noexcept;
    bool find_hole(bump& b, std::size_t granules) noexcept;
    bool add_tile(bump& b) noexcept;
    void retire(bump& b) noexcept;
    bool room_for_tile() noexcept;
    void consider_collecting() noexcept;

    verdict look_at_all() noexcept;

    void begin_marking() noexcept;
    void mark_roots() noexcept;
    void finish_marking() noexcept;
    void revisit_marked() noexcept;
    bool unlock_ephemerons() noexcept;
    void sweep() noexcept;
    void sweep_references() noexcept;
    void sweep_tile(tile* t) noexcept;
    void sweep_large() noexcept;
    void destroy_object(void* object) noexcept;
    void destroy_waiting_in(tile* t) noexcept;
    void free_large(tile* t) noexcept;
};

}  // namespace ashlar::gc::detail
