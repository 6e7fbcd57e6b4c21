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
    each_root([this](void* object) { marker_.mark(object); });  // collected_heap.I1
}

/// Every object that is marked has its references visited again: what the stack had no room for is among them.
void collector::revisit_marked() noexcept {
    retire_holes();
    for (std::size_t i = 0; i != tile_count_; ++i) {
        for_each_object(tiles_[i], tiles_[i]->marks, [this](void* object, std::size_t) {
            marker_.revisit(object);
        });
    }
    for (tile* t = large_; t != nullptr; t = t->next) {
        std::byte* const object = object_at(t, t->large_offset / granule);
        if (!is_marked(object)) continue;
        marker_.revisit(object);
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
    t->unswept = t->passed[0] = t->passed[1] = false;
    statistics_.waiting -= t->waiting;
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
    t->occupied[first_word] |= own_bits;  // tile.I2; what is marked keeps its place (collected_heap.I2)
    swept_live_ += live * granule;
    statistics_.waiting += t->waiting;
}

/// Of the next large object that was not looked at since marking.
void collector::sweep_one_large() noexcept {
    tile* const t = unswept_large_;
    unswept_large_ = t->next;
    std::byte* const object = object_at(t, t->large_offset / granule);
    if (t->waiting != 0) {  // since an earlier collection
        t->waiting = 0;
        --large_waiting_;
        --statistics_.waiting;
    }
    if (!is_marked(object)) {
        if (!t->has_destructor) return give_back(t, t->bytes, tile_size);
        header_of(object).wait();
        t->waiting = 1;
        ++large_waiting_;
        ++statistics_.waiting;
    }
    t->marks[t->large_offset / granule / 64] = 0;
    swept_live_ += t->bytes;
    t->next = large_;
    large_ = t;
}

/// Everything reachable is marked: what is not is dead from here on, though the maps are brought up to it one by one.
void collector::end_marking() noexcept {
    retire_holes();
    sweep_references();
    marking_ = false;
    phase_ = phase::sweeping;
    if (told_members_) __atomic_fetch_sub(&marking_heaps, 1u, __ATOMIC_RELAXED);  // pairs with nothing: see marking()
    told_members_ = false;
    for (std::size_t i = 0; i != tile_count_; ++i) tiles_[i]->unswept = true;
    unswept_large_ = large_;
    large_ = nullptr;
    swept_live_ = sweep_at_ = 0;
    made_since_ = 0;
    ++statistics_.collections;
}

/// @returns whether the maps are as marking left them; else the budget is spent
bool collector::sweep(budget& b) noexcept {
    for (; sweep_at_ < tile_count_; ++sweep_at_) {
        if (!tiles_[sweep_at_]->unswept) continue;
        sweep_tile(tiles_[sweep_at_]);
        if (b.spent()) return false;
    }
    while (unswept_large_ != nullptr) {
        sweep_one_large();
        if (b.spent()) return false;
    }
    phase_ = phase::idle;
    statistics_.live = swept_live_;
    // As many empty tiles are kept as will be filled before the next collection.
    const auto grown = static_cast<std::size_t>(options_.growth * static_cast<double>(statistics_.live));
    release_empty((grown > options_.headroom ? grown : options_.headroom) / tile_size + 2, b);
    return true;
}

/// What was begun in steps is done first: what died since its begin is found by the collection that follows.
void collector::collect() noexcept {
    budget all;
    if (phase_ != phase::idle) finish_cycle();
    begin_marking();
    mark_roots();
    finish_marking();
    end_marking();
    sweep(all);
}

/// What a destructor has made, or let go, since the collection slides along: it is found the next time.
bool collector::compact() noexcept {
    collect();
    destroy_waiting();
    const bool done = compaction(*this).run_all();
    if (done) ++statistics_.compactions;
    budget all;
    release_empty(0, all);
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

/// Stops, with some left, when the budget is spent.
void collector::destroy_waiting_in(tile* t, budget& b) noexcept {
    for (std::size_t i = find(t->destructors, first_index); t->waiting != 0 && !b.is_spent && i < indices; i = find(t->destructors, i + 1)) {
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
        b.spent();
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
    budget all;
    return destroy_waiting(all);
}

std::size_t collector::destroy_waiting(budget& b) noexcept {
    if (destroying_) return 0;
    if (phase_ == phase::sweeping) {
        budget all;
        sweep(all);
    }
    destroying_ = true;
    const std::size_t before = statistics_.destroyed;
    // A destructor may make objects, so tiles may be added while this runs; nothing is collected.
    for (std::size_t i = 0; statistics_.waiting != large_waiting_ && i < tile_count_ && !b.is_spent;) {
        tile* const t = tiles_[i];
        if (t->waiting != 0) destroy_waiting_in(t, b);
        while (i < tile_count_ && tiles_[i] <= t) ++i;
    }
    while (large_waiting_ != 0 && !b.is_spent) {
        tile* t = large_;
        while (t->waiting == 0) t = t->next;
        t->waiting = 0;
        --large_waiting_;
        --statistics_.waiting;
        statistics_.live -= t->bytes;
        destroy_object(object_at(t, t->large_offset / granule));
        free_large(t);
        b.spent();
    }
    destroying_ = false;
    return statistics_.destroyed - before;
}

void collector::destroy_all() noexcept {
    if (phase_ != phase::idle) finish_cycle();
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
