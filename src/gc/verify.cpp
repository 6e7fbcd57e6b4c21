// Checks of a whole heap, by walking it: headers, lengths, and that every reference leads to an object.
#include <cstring>

#include "collector.hpp"

namespace ashlar::gc::detail {

namespace {

/// Follows the references of one object after the other.
struct checker final : slot_visitor {
    void slot(reference& r) noexcept override {
        if (r.target == nullptr || !found) return;
        const char* fault = nullptr;
        const auto address = reinterpret_cast<std::uintptr_t>(r.target);
        if (address % granule != 0 || !c->has_object_in(tile_of(r.target))) fault = "the target is not in this heap";
        else if (tile_of(r.target)->large_offset == 0 && !is_marked(r.target)) fault = "no object begins at the target";
        else if (header_of(r.target).waiting()) fault = "the target is dead";
        else if (object != nullptr && c->options_.generational && forgotten(r)) fault = "no young collection would find the target";
        if (fault == nullptr) return;
        found = {fault, object, r.target, object == nullptr ? nullptr : header_of(object).type()->text,
                 object == nullptr ? 0 : static_cast<std::size_t>(reinterpret_cast<std::byte*>(&r) - static_cast<const std::byte*>(object))};
    }
    /// Whether tile.I6 is broken.
    bool forgotten(const reference& r) const noexcept {
        const tile* const t = tile_of(r.target);
        if (c->forgot_ || t->large_offset != 0 || test(t->old, index_of(r.target))) return false;
        const bool young = c->has_tile(tile_of(&r)) && !test(tile_of(&r)->old, index_of(&r));
        return !young && !c->is_remembered(object);
    }
    void references_of(void* p) noexcept {
        object = p;
        const header h = header_of(p);
        if (!h.waiting() && h.type()->each_slot != nullptr) h.type()->each_slot(p, *this);
    }

    const collector* c = nullptr;
    const void* object = nullptr;
    verdict found{};
};

/// Whether a place is one of those that an object's type names.
struct place_finder final : slot_visitor {
    explicit place_finder(const void* p) noexcept : place(p) {}
    void slot(reference& r) noexcept override { named |= place == &r.target; }
    const void* place;
    bool named = false;
};

/// With zeal.poison nothing of earlier objects is left in the room of a new one: a word that is an object's address was
/// put there by the program, and is a reference that the collector would neither follow nor update.
void look_for_unnamed(checker& check, void* object) noexcept {
    const header h = header_of(object);
    if (h.waiting() || h.type() == &filler || h.type()->size > h.granules() * granule) return;
    for (std::size_t at = 0; at + sizeof(void*) <= h.type()->size; at += sizeof(void*)) {
        void* word = nullptr;
        std::memcpy(&word, static_cast<std::byte*>(object) + at, sizeof word);
        if (word == nullptr || reinterpret_cast<std::uintptr_t>(word) % granule != 0 || !check.c->has_object_in(tile_of(word))) continue;
        if (tile_of(word)->large_offset != 0 ? index_of(word) * granule != tile_of(word)->large_offset : !is_marked(word)) continue;
        place_finder finder(static_cast<std::byte*>(object) + at);
        if (h.type()->each_slot != nullptr) h.type()->each_slot(object, finder);
        if (finder.named) continue;
        check.found = {"a pointer to an object stands where the type names no reference", object, word, h.type()->text, at};
        return;
    }
}

/// Leaves in `marks` one bit an object: its first. @returns what is wrong with the headers
verdict find_first_bits(tile* t) noexcept {
    for (std::size_t i = find(t->occupied, first_index); i < indices;) {
        const std::byte* const object = object_at(t, i);
        const header h = header_of(object);
        const std::size_t n = h.type() == nullptr ? 0 : h.granules();
        if (n == 0 || i + n > indices) return {"a header is damaged", object, nullptr, nullptr, 0};
        // tile.I1
        if (find<true>(t->occupied, i) < i + n) return {"an object lies partly in a hole", object, nullptr, h.type()->text, 0};
        if (test(t->destructors, i) && h.type()->destroy == nullptr) {
            return {"a destructor is expected that is none", object, nullptr, h.type()->text, 0};
        }
        t->marks[i / 64] |= bit(i);
        i = find(t->occupied, i + n);
    }
    return {};
}

}  // namespace

bool collector::has_object_in(const tile* t) const noexcept {
    if (has_tile(t)) return true;
    for (const tile* l = large_; l != nullptr; l = l->next) {
        if (l == t) return true;
    }
    return false;
}

/// Between collections `marks` is free to be used.
verdict collector::verify() noexcept {
    if (phase_ != phase::idle) finish_cycle();
    retire_holes();
    const verdict found = look_at_all();
    for (std::size_t i = 0; i != tile_count_; ++i) {
        std::memset(tiles_[i]->marks + first_word, 0, (words - first_word) * sizeof(std::uint64_t));  // tile.I5
    }
    return found;
}

verdict collector::look_at_all() noexcept {
    for (std::size_t i = 0; i != tile_count_; ++i) {
        if (i != 0 && tiles_[i - 1] >= tiles_[i]) return {"the tiles are out of order", nullptr, tiles_[i], nullptr, 0};
        if (tiles_[i]->owner != &heap_) return {"a tile is of another heap", nullptr, tiles_[i], nullptr, 0};
        if (const verdict v = find_first_bits(tiles_[i]); !v) return v;
    }
    checker check;
    check.c = this;
    for (std::size_t i = 0; i != tile_count_; ++i) {
        for_each_object(tiles_[i], tiles_[i]->occupied, [&](void* object, std::size_t) {
            check.references_of(object);
            if (options_.zeal.poison && check.found) look_for_unnamed(check, object);
        });
    }
    for (tile* t = large_; t != nullptr; t = t->next) check.references_of(object_at(t, t->large_offset / granule));
    check.object = nullptr;
    each_root([&](void* object) {
        reference copy{object};
        check.slot(copy);
    });
    for (root_node* w = weaks_.next; w != &weaks_; w = w->next) {
        reference copy{w->object};
        check.slot(copy);
    }
    return check.found;
}

}  // namespace ashlar::gc::detail
