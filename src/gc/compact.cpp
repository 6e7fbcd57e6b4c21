// Compaction: what is occupied slides to lower addresses in order, past pinned objects; every reference is updated.
//
// plan:  walks the maps, a word of 64 granules at a time, and notes where each word's first granule will be. Only where a
//        gap ends (at a pinned object, at the end of a tile) are headers read, and each object gets a place of its own.
// slide: walks the objects once; each is copied down, and its references are updated at its new place.
#include "compact.hpp"

#include <cstring>

#include "ashlar/foundation/poison.hpp"

namespace ashlar::gc::detail {

namespace {
constexpr std::size_t longest = granules_for(largest_small);  // granules; what may stand behind a word's last granule
}  // namespace

compaction::~compaction() {
    if (room_ != 0) c_.give_back(exceptions_, room_ * sizeof *exceptions_, alignof(exception_to_sliding));
}

/// `marks` holds the granules of what stays where it is.
void compaction::find_islands() noexcept {
    for (std::size_t k = 0; k != c_.tile_count_; ++k) {
        tile* const t = c_.tiles_[k];
        if (!t->has_immovable) continue;
        t->has_immovable = false;
        for_each_object(t, t->occupied, [&](void* object, std::size_t i) {
            if (header_of(object).type()->movable) return;
            set_run(t->marks, i, header_of(object).granules());
            t->has_immovable = true;
        });
    }
    for (root_node* p = c_.pins().next; p != &c_.pins(); p = p->next) {
        if (tile_of(p->object)->large_offset != 0) continue;
        set_run(tile_of(p->object)->marks, index_of(p->object), header_of(p->object).granules());
    }
}

bool compaction::choose(double sparse) noexcept {
    const auto most = static_cast<std::size_t>(sparse * static_cast<double>(indices - first_index));
    std::size_t sources = 0, used = 0;
    for (std::size_t k = 0; k != c_.tile_count_; ++k) {
        tile* const t = c_.tiles_[k];
        std::size_t n = count_bits(t->occupied[first_word] & ~own_bits);
        for (std::size_t w = first_word + 1; w != words; ++w) n += count_bits(t->occupied[w]);
        t->stays = n > most;
        if (t->stays) continue;
        ++sources;
        used += n;
    }
    return sparse >= 1 || (sources != 0 && used <= (sources - 1) * (indices - first_index - longest));
}

/// To the first tile from here on that may be filled, and its begin.
void compaction::next_place_tile() noexcept {
    while (c_.tiles_[place_tile_]->stays) ++place_tile_;
    place_ = first_index;
}

/// Moves the end of what was placed to the next gap that has room.
void compaction::reach(std::size_t granules) noexcept {
    while (gap_end_ - place_ < granules) {
        if (gap_end_ < indices) {
            place_ = find<true>(c_.tiles_[place_tile_]->marks, gap_end_);
        } else {
            ++place_tile_;  // never beyond the tile of the object itself: there it fits, at the latest where it is
            next_place_tile();
        }
        gap_end_ = find(c_.tiles_[place_tile_]->marks, place_);
    }
}

bool compaction::note(const void* from, void* to) noexcept {
    if (count_ == room_) {
        const std::size_t room = room_ == 0 ? 1024 : room_ * 2;
        const block more = c_.obtain(room * sizeof *exceptions_, alignof(exception_to_sliding));
        if (more.data == nullptr) return false;
        if (count_ != 0) std::memcpy(more.data, exceptions_, count_ * sizeof *exceptions_);
        if (room_ != 0) c_.give_back(exceptions_, room_ * sizeof *exceptions_, alignof(exception_to_sliding));
        exceptions_ = reinterpret_cast<exception_to_sliding*>(more.data);
        room_ = room;
    }
    exceptions_[count_++] = {from, to};
    return true;
}

/// @returns where the first object at or behind the word begins, and in `end` where the one before it ends
std::size_t compaction::begin_in(tile* t, std::size_t word, std::size_t& end) noexcept {
    end = word * 64;
    if (word == first_word) return find(t->occupied, first_index);
    // Back to where the run began: an object begins there (tile.I3).
    std::size_t i = word * 64;
    while (i > first_index && test(t->occupied, i - 1)) --i;
    while (i < word * 64) {
        end = i + header_of(object_at(t, i)).granules();
        i = find(t->occupied, end);
    }
    if (end < word * 64) end = word * 64;
    return find(t->occupied, i);
}

/// Gives each object that begins in the word its place. @returns where the next object begins; 0 where memory was refused
std::size_t compaction::plan_objects(tile* t, std::size_t word, std::size_t i) noexcept {
    const std::size_t first = count_;
    for (; i < (word + 1) * 64;) {
        std::byte* const object = object_at(t, i);
        const std::size_t n = header_of(object).granules();
        std::byte* to = object;
        if (!test(t->marks, i)) {
            reach(n);
            to = object_at(c_.tiles_[place_tile_], place_);
            place_ += n;
        }
        if (!note(object, to)) return 0;
        i = find(t->occupied, i + n);
    }
    t->plan[word] = {t->occupied[word], has_exceptions | first};
    return i;
}

bool compaction::plan_tile(std::size_t k) noexcept {
    tile* const t = c_.tiles_[k];
    std::size_t next = 0;  // where the next object begins; 0 where that is not known
    for (std::size_t w = first_word; w != words; ++w) {
        const std::size_t begin = w == first_word ? first_index : w * 64;
        std::uint64_t bits = t->occupied[w] & (w == first_word ? ~own_bits : ~std::uint64_t{0});
        if (next != 0) {  // what stands in front of it has its place already
            if (next >= (w + 1) * 64) continue;
            if (next > begin) bits &= ~std::uint64_t{0} << (next % 64);
        }
        if (bits == 0) continue;
        const std::size_t n = count_bits(bits);
        const bool island = t->marks[w] != 0;
        const auto lowest = static_cast<std::size_t>(__builtin_ctzll(bits));
        const bool in_place = place_tile_ == k && place_ == w * 64 + lowest && gap_end_ - place_ >= n &&
                              ((bits >> lowest) & ((bits >> lowest) + 1)) == 0;
        if (!island && (in_place || gap_end_ - place_ >= n + longest)) {
            // Counted from the word's begin, bits in front of `next` too.
            const std::size_t ahead = count_bits(t->occupied[w] & ((std::uint64_t{1} << lowest) - 1));
            t->plan[w] = {t->occupied[w],
                          reinterpret_cast<std::uintptr_t>(object_at(c_.tiles_[place_tile_], place_)) - ahead * granule};
            place_ += n;
            next = 0;
            continue;
        }
        if (next == 0) {
            std::size_t end = 0;
            next = begin_in(t, w, end);
            place_ += end - w * 64;  // what the word before began, and had room for
            if (next >= (w + 1) * 64) continue;
        }
        next = plan_objects(t, w, next);
        if (next == 0) return false;
        if (next >= indices) return true;
    }
    return true;
}

bool compaction::plan() noexcept {
    find_islands();
    if (c_.tile_count_ == 0) return true;
    bool first = true;
    for (std::size_t k = 0; k != c_.tile_count_; ++k) {
        tile* const t = c_.tiles_[k];
        if (t->stays) {  // with all bits set, counting leads to where an object is
            for (std::size_t w = first_word; w != words; ++w) t->plan[w] = {~std::uint64_t{0}, reinterpret_cast<std::uintptr_t>(object_at(t, w * 64))};
            continue;
        }
        if (first) {
            place_tile_ = k;
            place_ = first_index;
            gap_end_ = find(t->marks, first_index);
            first = false;
        }
        if (!plan_tile(k)) return false;
    }
    return true;
}

namespace {
/// Upwards, so that what is read was not written yet: an object moves down, by a granule at least.
void copy_down(std::byte* to, const std::byte* from, std::size_t granules) noexcept {
    if (granules > 8) {
        std::memmove(to, from, granules * granule);
        return;
    }
    for (; granules != 0; --granules, to += granule, from += granule) {
        std::byte kept[granule];
        std::memcpy(kept, from, granule);
        std::memcpy(to, kept, granule);
    }
}
}  // namespace

/// To its new place, its bytes or by its type's move constructor; its references are updated there.
void compaction::move(std::byte* object, std::byte* to, std::size_t granules) noexcept {
    const header h = header_of(object);
    const descriptor& d = *h.type();
    if (to != object) {
        unpoison(to - header_size, granules * granule);
        if (d.relocate == nullptr) {
            copy_down(to - header_size, object - header_size, granules);
        } else {
            d.relocate(to, object);
            ::new (to - header_size) header(h);
        }
    }
    const std::size_t i = index_of(to);
    tile* const t = tile_of(to);
    if (i % 64 + granules < 64) t->marks[i / 64] |= (bit(granules) - 1) << (i % 64);
    else set_run(t->marks, i, granules);
    if (d.update != nullptr) d.update(to, to_new_);
}

void compaction::slide_tile(tile* t) noexcept {
    for_each_object(t, t->occupied, [&](void* object, std::size_t i) {
        auto* const to = static_cast<std::byte*>(to_new_.of(object));
        if (test(t->destructors, i)) {
            t->destructors[i / 64] &= ~bit(i);
            tile_of(to)->destructors[index_of(to) / 64] |= bit(index_of(to));
        }
        move(static_cast<std::byte*>(object), to, header_of(object).granules());
    });
}

void compaction::slide() noexcept {
    to_new_ = sliding(exceptions_);  // of which nothing changes until all have moved: sliding.I1
    c_.each_root([this](void*& object) { object = to_new_.of(object); });
    for (root_node* w = c_.weaks_.next; w != &c_.weaks_; w = w->next) {
        if (w->object != nullptr) w->object = to_new_.of(w->object);
    }
    for (tile* t = c_.large_; t != nullptr; t = t->next) {
        std::byte* const object = object_at(t, t->large_offset / granule);
        if (const auto slots = header_of(object).type()->update) slots(object, to_new_);
    }
    clear_marks();
    for (std::size_t k = 0; k != c_.tile_count_; ++k) slide_tile(c_.tiles_[k]);
    to_new_.finish();
    for (std::size_t k = 0; k != c_.tile_count_; ++k) take_over(c_.tiles_[k]);
}

/// What was noted in `marks` is what is occupied now.
void compaction::take_over(tile* t) noexcept {
    t->marks[first_word] |= own_bits;  // tile.I2
    t->passed[0] = t->passed[1] = false;
    for (std::size_t w = first_word; w != words; ++w) {
        std::uint64_t left = t->occupied[w] & ~t->marks[w];
        for (; c_.options_.zeal.poison && left != 0; left &= left - 1) {
            c_.scrub(object_at(t, w * 64 + static_cast<std::size_t>(__builtin_ctzll(left))) - header_size, granule);
        }
        t->occupied[w] = t->marks[w];
        t->marks[w] = 0;
    }
}

void compaction::clear_marks() noexcept {
    for (std::size_t k = 0; k != c_.tile_count_; ++k) {
        std::memset(c_.tiles_[k]->marks + first_word, 0, (words - first_word) * sizeof(std::uint64_t));
    }
}

bool compaction::run() noexcept {
    c_.retire_holes();
    clear_marks();
    const bool planned = plan();
    if (planned) slide();
    else clear_marks();
    return planned;
}

}  // namespace ashlar::gc::detail
