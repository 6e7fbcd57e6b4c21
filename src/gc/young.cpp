// Generational collection without moving: what a collection has left is old, and a young collection takes it as reached.
//
// The map `old` is the marks that the last collection ended with. An object that becomes reachable from an old one, or from
// anything outside the heap that is not a root, is remembered: members tell (member.hpp), and the object's first bit in `old`
// is set, so that it is remembered once. Members of young objects need not tell: if they are reached they are visited.
#include <algorithm>
#include <cstring>

#include "collector.hpp"

namespace ashlar::gc::detail {

bool collector::has_tile(const tile* t) const noexcept {
    tile** const end = tiles_ + tile_count_;
    tile** const at = std::lower_bound(tiles_, end, const_cast<tile*>(t));
    return at != end && *at == t;
}

void collector::remember(void* object) noexcept {
    if (remembered_count_ == remembered_room_) {
        const std::size_t room = remembered_room_ == 0 ? 512 : remembered_room_ * 2;
        const block more = obtain(room * sizeof(void*), alignof(void*));
        if (more.data == nullptr) {
            forgot_ = true;
            return;
        }
        if (remembered_count_ != 0) std::memcpy(more.data, remembered_, remembered_count_ * sizeof(void*));
        if (remembered_ != nullptr) give_back(remembered_, remembered_room_ * sizeof(void*), alignof(void*));
        remembered_ = reinterpret_cast<void**>(more.data);
        remembered_room_ = room;
    }
    tile_of(object)->old[index_of(object) / 64] |= bit(index_of(object));
    remembered_[remembered_count_++] = object;
}

bool collector::is_remembered(const void* object) const noexcept {
    return std::find(remembered_, remembered_ + remembered_count_, object) != remembered_ + remembered_count_;
}

void collector::all_are_old() noexcept {
    for (std::size_t i = 0; i != tile_count_; ++i) {
        tile* const t = tiles_[i];
        std::memcpy(t->old + first_word, t->occupied + first_word, (words - first_word) * sizeof *t->old);
        t->old[first_word] &= ~own_bits;
    }
    forget_remembered();
}

/// Marks and sweeps as collect does, but begins with everything old as marked.
void collector::collect_young() noexcept {
    if (forgot_ || phase_ != phase::idle) return collect();
    young_only_ = true;
    begin_marking();
    const std::size_t made = made_since_, before = statistics_.live;
    for (std::size_t i = 0; i != tile_count_; ++i) {
        tile* const t = tiles_[i];
        std::memcpy(t->marks + first_word, t->old + first_word, (words - first_word) * sizeof *t->old);
    }
    for (tile* t = large_; t != nullptr; t = t->next) t->marks[t->large_offset / granule / 64] |= bit(t->large_offset / granule);
    for (std::size_t i = 0; i != remembered_count_; ++i) marker_.revisit(remembered_[i]);
    mark_roots();
    finish_marking();
    end_marking();
    budget all;
    sweep(all);
    young_only_ = false;
    ++statistics_.young;
    // Where most of what is made lives on, a young collection only puts off a full one.
    if (statistics_.live - before <= made / 2) {
        full_ones_next_ = 1;
    } else {
        full_ones_due_ = full_ones_next_;
        if (full_ones_next_ < 16) full_ones_next_ *= 2;
    }
}

}  // namespace ashlar::gc::detail
