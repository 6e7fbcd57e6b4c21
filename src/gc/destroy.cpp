// Destructors of the dead, where the program lets them run; and the end of a heap.
#include "collector.hpp"

namespace ashlar::gc::detail {

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
