// Collection: marking from the roots, sweeping by copying bits, destructors of the dead.
#include <cstring>

#include "ashlar/foundation/poison.hpp"
#include "compact.hpp"

namespace ashlar::gc::detail {

void collector::begin_marking() noexcept {
    retire_holes();
    const std::size_t room = options_.hard_limit > statistics_.footprint ? options_.hard_limit - statistics_.footprint : 0;
    marker_.limit(room);  // collected_heap.I4: the stack counts too
    marking_ = true;
}

void collector::mark_roots() noexcept {
    each_root([this](root_node& r) { marker_.mark(r.object); });  // collected_heap.I1
}

/// Every object that is marked has its references visited again: what the stack had no room for is among them.
void collector::revisit_marked() noexcept {
    retire_holes();
    for (std::size_t i = 0; i != tile_count_; ++i) {
        for_each_object(tiles_[i], tiles_[i]->marks, [this](void* object, std::size_t) {
            marker_.visit(object);
            marker_.drain();
        });
    }
    for (tile* t = large_; t != nullptr; t = t->next) {
        std::byte* const object = object_at(t, t->large_offset / granule);
        if (!is_marked(object)) continue;
        marker_.visit(object);
        marker_.drain();
    }
}

/// @returns whether a key was found, and so a value marked
bool collector::unlock_ephemerons() noexcept {
    bool found = false;
    ephemeron_links* e = marker_.waiting_ephemerons;
    marker_.waiting_ephemerons = nullptr;
    while (e != nullptr) {
        ephemeron_links* const next = e->next == e ? nullptr : e->next;
        e->next = nullptr;
        if (is_marked(e->key.target)) {
            found = true;
            marker_.mark(e->value.target);
            marker_.drain();
        } else {
            // To the front of the new list: the next round meets them in the other order.
            e->next = marker_.waiting_ephemerons == nullptr ? e : marker_.waiting_ephemerons;
            marker_.waiting_ephemerons = e;
        }
        e = next;
    }
    return found;
}

void collector::finish_marking() noexcept {
    marker_.drain();
    do {
        while (marker_.take_overflow()) revisit_marked();
    } while (unlock_ephemerons() || marker_.take_overflow());
    marker_.trim();
}

void collector::sweep_references() noexcept {
    for (root_node* w = weaks_.next; w != &weaks_; w = w->next) {
        if (w->object != nullptr && !is_marked(w->object)) w->object = nullptr;  // weak.I1
    }
    for (ephemeron_links* e = marker_.waiting_ephemerons; e != nullptr;) {
        ephemeron_links* const next = e->next == e ? nullptr : e->next;
        e->key.target = e->value.target = nullptr;
        e->next = nullptr;
        e = next;
    }
    marker_.waiting_ephemerons = nullptr;
}

/// What has no mark is free; the dead with destructors keep their room until these have run.
void collector::sweep_tile(tile* t) noexcept {
    t->passed[0] = t->passed[1] = false;
    t->waiting = 0;
    std::size_t live = 0;
    for (std::size_t w = first_word; w != words; ++w) {
        std::uint64_t dead = t->destructors[w] & ~t->marks[w];
        for (; dead != 0; dead &= dead - 1) {
            const std::size_t i = w * 64 + static_cast<std::size_t>(__builtin_ctzll(dead));
            header& h = header_of(object_at(t, i));
            h.wait();
            set_run(t->marks, i, h.granules());
            ++t->waiting;
        }
    }
    if (options_.zeal.poison) {
        for (std::size_t w = first_word; w != words; ++w) {
            std::uint64_t dead = t->occupied[w] & ~t->marks[w] & (w == first_word ? ~own_bits : ~std::uint64_t{0});
            for (; dead != 0; dead &= dead - 1) {
                const std::size_t i = w * 64 + static_cast<std::size_t>(__builtin_ctzll(dead));
                scrub(object_at(t, i) - header_size, granule);
            }
        }
    }
    for (std::size_t w = first_word; w != words; ++w) {
        live += count_bits(t->marks[w]);
        t->occupied[w] = t->marks[w];
        t->marks[w] = 0;  // tile.I5
    }
    t->occupied[first_word] |= own_bits;  // tile.I2
    statistics_.live += live * granule;
    statistics_.waiting += t->waiting;
}

void collector::sweep_large() noexcept {
    for (tile** link = &large_; *link != nullptr;) {
        tile* const t = *link;
        std::byte* const object = object_at(t, t->large_offset / granule);
        if (is_marked(object) || t->has_destructor) {
            if (!is_marked(object)) {
                header_of(object).wait();
                t->waiting = 1;
                ++large_waiting_;
                ++statistics_.waiting;
            }
            t->marks[t->large_offset / granule / 64] = 0;
            statistics_.live += t->bytes;
            link = &t->next;
        } else {
            *link = t->next;
            give_back(t, t->bytes, tile_size);
        }
    }
}

void collector::sweep() noexcept {
    retire_holes();
    sweep_references();
    marking_ = false;
    statistics_.live = statistics_.waiting = large_waiting_ = 0;
    for (std::size_t i = 0; i != tile_count_; ++i) sweep_tile(tiles_[i]);
    sweep_large();
    made_since_ = 0;
    ++statistics_.collections;
    // As many empty tiles are kept as will be filled before the next collection.
    const auto grown = static_cast<std::size_t>(options_.growth * static_cast<double>(statistics_.live));
    release_empty((grown > options_.headroom ? grown : options_.headroom) / tile_size + 2);
}

/// What has marks keeps its place (collected_heap.I2).
void collector::collect() noexcept {
    begin_marking();
    mark_roots();
    finish_marking();
    sweep();
}

/// What a destructor has made, or let go, since the collection slides along: it is found the next time.
bool collector::compact() noexcept {
    collect();
    destroy_waiting();
    const bool done = compaction(*this).run_all();
    if (done) ++statistics_.compactions;
    release_empty(0);
    return done;
}

namespace {
/// In a destructor members read null: what they referred to may have been destroyed before (collected_heap.hpp).
struct null_slots final : slot_visitor {
    void slot(reference& r) noexcept override { r.target = nullptr; }
};
}  // namespace

void collector::destroy_object(void* object) noexcept {
    const descriptor* const d = header_of(object).type();
    null_slots nulls;
    if (d->each_slot != nullptr) d->each_slot(object, nulls);
    ++statistics_.destroyed;
    d->destroy(object);
}

void collector::destroy_waiting_in(tile* t) noexcept {
    for (std::size_t i = find(t->destructors, first_index); t->waiting != 0 && i < indices; i = find(t->destructors, i + 1)) {
        std::byte* const object = object_at(t, i);
        if (!header_of(object).waiting()) continue;
        const std::size_t n = header_of(object).granules();
        t->destructors[i / 64] &= ~bit(i);  // collected_heap.I3: once
        --t->waiting;
        --statistics_.waiting;
        destroy_object(object);
        clear_run(t->occupied, i, n);
        t->passed[0] = t->passed[1] = false;
        if (marking_) clear_run(t->marks, i, n);
        statistics_.live -= n * granule;
        scrub(object - header_size, n * granule);
    }
}

void collector::free_large(tile* t) noexcept {
    for (tile** link = &large_; *link != nullptr; link = &(*link)->next) {
        if (*link != t) continue;
        *link = t->next;
        give_back(t, t->bytes, tile_size);
        return;
    }
}

std::size_t collector::destroy_waiting() noexcept {
    if (destroying_) return 0;
    destroying_ = true;
    const std::size_t before = statistics_.destroyed;
    // A destructor may make objects, so tiles may be added while this runs; nothing is collected.
    for (std::size_t i = 0; statistics_.waiting != large_waiting_ && i < tile_count_;) {
        tile* const t = tiles_[i];
        if (t->waiting != 0) destroy_waiting_in(t);
        while (i < tile_count_ && tiles_[i] <= t) ++i;
    }
    while (large_waiting_ != 0) {
        tile* t = large_;
        while (t->waiting == 0) t = t->next;
        t->waiting = 0;
        --large_waiting_;
        --statistics_.waiting;
        statistics_.live -= t->bytes;
        destroy_object(object_at(t, t->large_offset / granule));
        free_large(t);
    }
    destroying_ = false;
    return statistics_.destroyed - before;
}

void collector::destroy_all() noexcept {
    retire_holes();
    options_.hard_limit = 0;  // nothing is made any more
    destroying_ = true;
    for (std::size_t k = 0; k != tile_count_; ++k) {
        tile* const t = tiles_[k];
        for (std::size_t i = find(t->destructors, first_index); i < indices; i = find(t->destructors, i + 1)) {
            destroy_object(object_at(t, i));
        }
        give_back(t, tile_size, tile_size);
    }
    while (large_ != nullptr) {
        tile* const t = large_;
        if (t->has_destructor) destroy_object(object_at(t, t->large_offset / granule));
        large_ = t->next;
        give_back(t, t->bytes, tile_size);
    }
}

}  // namespace ashlar::gc::detail
