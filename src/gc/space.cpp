// Memory of a collected heap: tiles, holes in them, large objects, limits.
#include <algorithm>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/poison.hpp"
#include "collector.hpp"

namespace ashlar::gc::detail {

namespace {
constexpr std::size_t small_granules = 16;  // what is longer has a cursor of its own, so that it does not waste holes
}

block collector::obtain(std::size_t bytes, std::size_t align) noexcept {
    const std::size_t room = options_.hard_limit > statistics_.footprint ? options_.hard_limit - statistics_.footprint : 0;
    const auto l = layout::make(bytes, align);
    if (!l) return {nullptr, 0};
    const auto got = bytes > room ? result<block>(alloc_error{}) : upstream_.allocate(*l);  // collected_heap.I4
    tell(got ? happening::grown : happening::refused, bytes);
    if (!got) return {nullptr, 0};
    statistics_.footprint += bytes;
    if (statistics_.footprint > statistics_.peak_footprint) statistics_.peak_footprint = statistics_.footprint;
    return {got->data, bytes};
}

void collector::give_back(void* p, std::size_t bytes, std::size_t align) noexcept {
    statistics_.footprint -= bytes;
    tell(happening::shrunk, bytes);
    unpoison(p, bytes);
    upstream_.deallocate(static_cast<std::byte*>(p), *layout::make(bytes, align));
}

void collector::retire(bump& b) noexcept {
    if (b.cursor != b.limit) {
        tile* const t = tile_of(b.cursor);
        const std::size_t i = index_of(b.cursor);
        const std::size_t n = static_cast<std::size_t>(b.limit - b.cursor) / granule;
        clear_run(t->occupied, i, n);
        if (marking_) clear_run(t->marks, i, n);
        made_since_ -= n * granule;
        statistics_.made -= n * granule;
        scrub(b.cursor - header_size, n * granule);
    }
    b.cursor = b.limit = nullptr;
}

void collector::retire_holes() noexcept {
    for (bump* b : {&heap_.small_, &medium_}) {
        retire(*b);
        b->tile = b->index = 0;
    }
}

void collector::scrub(std::byte* p, std::size_t n) noexcept {
    if (options_.zeal.poison) {
        unpoison(p, n);
        std::memset(p, 0xdb, n);
        poison(p, n);
    }
}

/// Looks onward from where it stopped, and takes the first hole that is long enough, whole.
bool collector::find_hole(bump& b, std::size_t granules) noexcept {
    const bool medium = &b == &medium_;
    for (; b.tile < tile_count_; ++b.tile, b.index = 0) {
        tile* const t = tiles_[b.tile];
        if (t->unswept) sweep_tile(t);
        if (t->passed[medium]) continue;
        for (std::size_t i = b.index < first_index ? first_index : b.index; i < indices;) {
            const std::size_t begin = find<true>(t->occupied, i);
            const std::size_t end = find(t->occupied, begin);
            i = end;
            if (end - begin < granules) continue;
            const std::size_t n = end - begin;
            set_run(t->occupied, begin, n);
            if (marking_) set_run(t->marks, begin, n);  // what is made while marking is reachable
            b.index = end;
            b.cursor = object_at(t, begin);
            b.limit = object_at(t, end);
            unpoison(b.cursor - header_size, n * granule);
            made_since_ += n * granule;
            statistics_.made += n * granule;
            return true;
        }
        t->passed[medium] = true;
    }
    return false;
}

bool collector::room_for_tile() noexcept {
    if (tile_count_ < tile_room_) return true;
    const std::size_t room = tile_room_ == 0 ? 512 : tile_room_ * 2;
    const block table = obtain(room * sizeof(tile*), alignof(tile*));
    if (table.data == nullptr) return false;
    if (tile_count_ != 0) std::memcpy(table.data, tiles_, tile_count_ * sizeof(tile*));
    if (tiles_ != nullptr) give_back(tiles_, tile_room_ * sizeof(tile*), alignof(tile*));
    tiles_ = reinterpret_cast<tile**>(table.data);
    tile_room_ = room;
    return true;
}

bool collector::add_tile(bump& b) noexcept {
    if (!room_for_tile()) return false;
    const block got = obtain(tile_size, tile_size);
    if (got.data == nullptr) return false;
    tile* const t = reinterpret_cast<tile*>(got.data);
    std::memset(t, 0, offsetof(tile, plan) + (options_.generational ? sizeof t->old : 0));
    t->owner = &heap_;
    t->roots = &heap_.roots_;
    t->bytes = tile_size;
    set_run(t->occupied, 0, first_index);  // tile.I2
    std::size_t at = tile_count_;
    for (; at > 0 && tiles_[at - 1] > t; --at) tiles_[at] = tiles_[at - 1];
    tiles_[at] = t;
    ++tile_count_;
    for (bump* other : {&heap_.small_, &medium_}) {
        if (other->tile >= at) ++other->tile;
    }
    b.tile = at;
    b.index = 0;
    return true;
}

void* collector::bump_or_find(bump& b, std::size_t granules) noexcept {
    if (granules * granule > static_cast<std::size_t>(b.limit - b.cursor)) {
        retire(b);
        if (!find_hole(b, granules)) return nullptr;
    }
    std::byte* const at = b.cursor;
    b.cursor += granules * granule;
    return at;
}

/// The growth policy: see `options`.
void collector::consider_collecting() noexcept {
    if (!may_collect()) return;
    const std::size_t enough = allowance();
    if (options_.zeal.collect) return collect_in_make(options_.generational && statistics_.collections % 4 != 0);
    if (!options_.automatic) return;
    if (options_.in_steps) return pay_debt(enough);
    // What young collections have left may be dead by now: it counts as made, and at half of all calls for a full one.
    const std::size_t left = statistics_.live > full_live_ ? statistics_.live - full_live_ : 0;
    if (made_since_ + left < enough) return;
    const bool young = options_.generational && left < enough / 2 && full_ones_due_ == 0;
    if (!young && full_ones_due_ != 0) --full_ones_due_;
    collect_in_make(young);
}

std::size_t collector::allowance() const noexcept {
    const auto grown = static_cast<std::size_t>(options_.growth * static_cast<double>(std::min(full_live_, statistics_.live)));
    return grown > options_.headroom ? grown : options_.headroom;
}

void collector::collect_in_make(bool young) noexcept {
    const auto begin = std::chrono::steady_clock::now();
    if (young) collect_young();
    else collect();
    note_pause(std::chrono::steady_clock::now() - begin);
}

void* collector::allocate_small(const descriptor& d, std::size_t granules) noexcept {
    consider_collecting();
    bump& b = granules <= small_granules ? heap_.small_ : medium_;
    void* at = bump_or_find(b, granules);
    const bool collect_first = statistics_.footprint + tile_size > options_.soft_limit && made_since_ >= statistics_.live / 8;
    if (at == nullptr && collect_first && options_.automatic && may_collect()) {
        collect_in_make();
        at = bump_or_find(b, granules);
    }
    if (at == nullptr && add_tile(b)) at = bump_or_find(b, granules);
    if (at == nullptr && may_collect()) {
        collect_in_make();
        at = bump_or_find(b, granules);
        if (at == nullptr && add_tile(b)) at = bump_or_find(b, granules);
    }
    if (at == nullptr) return nullptr;
    ::new (static_cast<std::byte*>(at) - header_size) header(&d, granules);
    if (options_.zeal.collect) retire(b);  // so that the next one comes here too
    return at;
}

void* collector::allocate_large(const descriptor& d, std::size_t bytes, std::size_t align) noexcept {
    if (bytes > static_cast<std::size_t>(PTRDIFF_MAX) - tile_size) return nullptr;
    consider_collecting();
    const std::size_t offset = align_up(large_offset_least, align);
    const std::size_t whole = offset + bytes;
    const bool above = whole > options_.soft_limit || statistics_.footprint > options_.soft_limit - whole;
    if (above && options_.automatic && may_collect() && made_since_ >= statistics_.live / 8) collect_in_make();
    block got = obtain(whole, tile_size);
    if (got.data == nullptr && may_collect()) {
        collect_in_make();
        budget all;
        release_empty(0, all);  // their room may be what is missing
        got = obtain(whole, tile_size);
    }
    if (got.data == nullptr) return nullptr;
    tile* const t = reinterpret_cast<tile*>(got.data);
    std::memset(got.data, 0, large_offset_least);
    t->owner = &heap_;
    t->roots = &heap_.roots_;
    t->bytes = whole;
    t->large_offset = offset;
    t->next = large_;
    large_ = t;
    made_since_ += whole;
    statistics_.made += whole;
    std::byte* const object = got.data + offset;
    if (marking_) t->marks[index_of(object) / 64] |= bit(index_of(object));
    ::new (object - header_size) header(&d, 0);
    return object;
}

void collector::release_empty(std::size_t keep, budget& b) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i != tile_count_; ++i) {
        tile* const t = tiles_[i];
        const bool empty = find(t->occupied, first_index) == indices;
        if (empty && keep == 0 && !b.is_spent) {
            give_back(t, tile_size, tile_size);
            b.spent();
        } else {
            if (empty && keep != 0) --keep;
            tiles_[kept++] = t;
        }
    }
    tile_count_ = kept;
}

}  // namespace ashlar::gc::detail
