// Collection: marking from the roots, sweeping by copying bits.
#include <cstring>

#include "ashlar/foundation/poison.hpp"
#include "compact.hpp"
#include "team.hpp"

namespace ashlar::gc::detail {

void collector::begin_marking() noexcept {
    retire_holes();
    const std::size_t room = options_.hard_limit > statistics_.footprint ? options_.hard_limit - statistics_.footprint : 0;
    marker_.limit(room);  // collected_heap.I4: the stack counts too
    marking_ = true;
    tell(happening::marking, statistics_.footprint);
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

/// Alone, unless there has been much to do and there is work for more than one: a list is never marked by several.
void collector::drain_marker() noexcept {
    constexpr std::size_t slice = 4096, alone = 64 * slice, width = 512;
    if (options_.marking_threads > 1) {
        for (std::size_t done = 0; marker_.drain(slice) == slice;) {
            done += slice;
            if (done < alone || marker_.height() < width) continue;
            const std::size_t room = options_.hard_limit > statistics_.footprint ? options_.hard_limit - statistics_.footprint : 0;
            marking_team::drain(marker_, upstream_, options_.marking_threads, room);
            break;
        }
    }
    marker_.drain();
}

void collector::finish_marking() noexcept {
    drain_marker();
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
    if (options_.generational) std::memcpy(t->old, t->marks, sizeof t->old);  // without those that wait for destructors
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
    constexpr std::size_t block_words = 16;  // 16 KiB
    for (std::size_t w = first_word, in_block = 0; w != words; ++w) {
        const std::size_t n = count_bits(t->marks[w]);
        live += n;
        in_block += n;
        t->occupied[w] = t->marks[w];
        t->marks[w] = 0;  // tile.I5
        if (w % block_words != block_words - 1) continue;
        ++statistics_.survival[(in_block + block_words * 8 - 1) / (block_words * 8)];
        in_block = 0;
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
    if (told_members_) {
        __atomic_fetch_sub(&marking_heaps, 1u, __ATOMIC_RELAXED);  // pairs with nothing: see marking()
        __atomic_fetch_sub(&told_heaps, 1u, __ATOMIC_RELAXED);     // the same
    }
    told_members_ = false;
    forget_remembered();
    for (std::size_t i = 0; i != tile_count_; ++i) tiles_[i]->unswept = true;
    unswept_large_ = large_;
    large_ = nullptr;
    tell(happening::marked, made_since_);
    swept_live_ = sweep_at_ = 0;
    for (std::size_t& n : statistics_.survival) n = 0;
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
    if (!young_only_) full_live_ = swept_live_;
    tell(happening::swept, swept_live_);
    // As many empty tiles are kept as will be filled before the next collection.
    release_empty(allowance() / tile_size + 2, b);
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
bool collector::compact(double sparse) noexcept {
    collect();
    destroy_waiting();
    remembers_ = false;
    compaction c(*this);
    const bool done = c.choose(sparse) && c.run();
    remembers_ = options_.generational;
    if (remembers_) all_are_old();  // the plan lay there
    if (done) ++statistics_.compactions;
    budget all;
    release_empty(0, all);
    if (done) tell(happening::compacted, statistics_.footprint);
    return done;
}

/// By what is known without a collection first.
bool collector::evacuate(double sparse) noexcept {
    if (phase_ != phase::idle) finish_cycle();
    retire_holes();
    return compaction(*this).choose(sparse) && compact(sparse);
}

}  // namespace ashlar::gc::detail
