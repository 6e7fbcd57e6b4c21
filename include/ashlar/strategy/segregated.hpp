// ashlar/strategy/segregated.hpp - a list of free blocks for every size class; never split, never joined.
//
// Layer:      strategy
// Source:     Wilson, Johnstone, Neely, Boles, "Dynamic storage allocation: a survey and critical review",
//             IWMM 1995, section 3.6 (simple segregated storage).
// Picture:    class 32:  free -> [ ] -> [ ] -> [ ]      chunk [ 32 | 32 | 32 | 32 | not yet carved | header ]
//             class 48:  free -> [ ]                    chunk [ 48 | 48 | 48 | ...                 | header ]
// Complexity: allocate and deallocate O(1): a pop and a push. trim O(free blocks log chunks).
//             No header a block; waste is below an eighth of the size (size_class.I2) and 56 bytes a chunk.
// Failure:    up to 4 KiB: refuses when the class has no free block, its chunk is carved to the end and the
//             upstream refuses another; above: when the upstream does. available says exactly that.
// Threads:    one at a time.
// Invariants: segregated.I1  a block of a class lies in a chunk of that class, at a multiple of the class's size
//             segregated.I2  a list holds blocks that were carved and are not live, each once
//             segregated.I3  only the newest chunk of a class is not carved to its end
// Checked by: tests/strategy/segregated_test.cpp
//
// Requests above 4 KiB, or aligned to more, are the upstream's: give those back before the allocator ends.
// Chunks go back to the upstream by trim, those without a live block, and at the end. A block freed twice is
// seen at once if it was the last one freed; with ASHLAR_CHECKS at 2 always.
#pragma once

#include <array>
#include <cstddef>
#include <new>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/foundation/size_class.hpp"
#include "ashlar/strategy/page.hpp"
#include "ashlar/strategy/segregated_chunk.hpp"

namespace ashlar {

template <allocator Upstream = page<>>
class segregated {
    using chunk = segregated_chunk;

public:
    /// The largest size and alignment served from a class.
    static constexpr std::size_t largest = 4096;
    static constexpr std::size_t classes = class_of_size(largest) + 1;

    explicit segregated(ref<Upstream> upstream) noexcept : upstream_(upstream) {}
    segregated() noexcept
        requires stateless<Upstream>
    = default;
    segregated(const segregated&) = delete;
    segregated& operator=(const segregated&) = delete;
    ~segregated() {
        while (!chunks_.empty()) give_back(*chunks_.root());
    }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t index = class_of(l);
        if (index >= classes) return upstream_->allocate(l);
        const std::size_t size = size_of_class(index);
        bin& from = bins_[index];
        if (free_block* const b = from.free) {
            unpoison(b, size);
            from.free = b->next;
            return block{reinterpret_cast<std::byte*>(b), size};
        }
        if (from.uncarved == from.end && !expand(from, index)) return alloc_error{};
        std::byte* const p = from.uncarved;
        from.uncarved += size;
        unpoison(p, size);
        return block{p, size};
    }

    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() != 0 && is_aligned(p, l.align()));
        const std::size_t index = class_of(l);
        if (index >= classes) return upstream_->deallocate(p, l);
        bin& to = bins_[index];
        ASHLAR_PRE(reinterpret_cast<std::byte*>(to.free) != p);  // freed just before
        ASHLAR_INVARIANT(is_live(p, index));
        to.free = ::new (p) free_block{to.free};
        poison(p + sizeof(free_block), size_of_class(index) - sizeof(free_block));
    }

    /// Within the class; above 4 KiB as the upstream can.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(now.size() >= old.size() && now.align() == old.align());
        const std::size_t index = class_of(old);
        if (index >= classes) return ashlar::grow_in_place(*upstream_, p, old, now);
        return within(p, index, class_of(now));
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(now.size() <= old.size() && now.size() != 0 && now.align() == old.align());
        const std::size_t index = class_of(old), to = class_of(now);
        if (index >= classes && to >= classes) return ashlar::shrink_in_place(*upstream_, p, old, now);
        return within(p, index, to);
    }

    /// Gives every chunk without a live block back to the upstream.
    void trim() noexcept {
        for (std::size_t index = 0; index < classes; ++index) {
            bin& b = bins_[index];
            chunks_.for_each([&](chunk& c) { c.free = 0; });
            for (const free_block* at = b.free; at != nullptr; at = at->next) ++chunk_of(at)->free;
            drop_free_blocks_of_idle_chunks(b);
            while (chunk* const idle = idle_chunk(b, index)) {
                if (idle->holds(b.uncarved)) b.uncarved = b.end = nullptr;
                give_back(*idle);
            }
        }
    }

    bool available(layout l) const noexcept
        requires forecasting<Upstream>
    {
        const Upstream& upstream = *upstream_;
        const std::size_t index = class_of(l);
        if (index >= classes) return upstream.available(l);
        const bin& from = bins_[index];
        return from.free != nullptr || from.uncarved != from.end || upstream.available(chunk::asked());
    }
    /// @complexity O(chunks * free blocks)
    template <class Visit>
    void for_each_free(Visit visit) const {
        chunks_.for_each([&](const chunk& c) { visit_free_of(c, visit); });
    }
    std::size_t chunks() const noexcept {
        std::size_t count = 0;
        chunks_.for_each([&](const chunk&) { ++count; });
        return count;
    }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        bool good = chunks_.consistent();
        std::size_t bytes = 0, visited = 0;
        for (std::size_t index = 0; index < classes && good; ++index) {
            const bin& b = bins_[index];
            for (const free_block* at = b.free; at != nullptr && good; at = at->next) {
                good = is_carved(reinterpret_cast<const std::byte*>(at), index);  // segregated.I1
                bytes += size_of_class(index);
            }
            bytes += static_cast<std::size_t>(b.end - b.uncarved);
        }
        for_each_free([&](block range) { visited += range.size; });
        return good && bytes == visited;  // segregated.I2: a block listed twice is visited once
    }

private:
    struct free_block {
        free_block* next;
    };
    struct bin {
        free_block* free = nullptr;
        std::byte* uncarved = nullptr;  // of the newest chunk
        std::byte* end = nullptr;
    };

    /// @returns `classes` or more for what the upstream serves
    static std::size_t class_of(layout l) noexcept {
        if (l.size() > largest || l.align() > largest) return classes;
        return l.align() <= size_class_step ? class_of_size(l.size()) : class_of_aligned_size(l.size(), l.align());
    }
    static result<block> within(std::byte* p, std::size_t index, std::size_t to) noexcept {
        if (to != index) return alloc_error{};
        return block{p, size_of_class(index)};
    }

    bool expand(bin& b, std::size_t index) noexcept {
        const auto granted = upstream_->allocate(chunk::asked());
        if (!granted) return false;
        chunk& made = chunk::build(*granted, index);
        chunks_.insert(made);
        poison(made.begin, static_cast<std::size_t>(made.end() - made.begin));
        b.uncarved = made.begin;
        b.end = made.end();
        return true;
    }
    void give_back(chunk& c) noexcept {
        chunks_.erase(c);
        std::byte* const begin = c.begin;
        unpoison(begin, chunk::asked().size());
        upstream_->deallocate(begin, chunk::asked());
    }

    /// The chunk whose blocks p may lie among; null for none. A chunk is known by its header, at its end.
    chunk* chunk_of(const void* p) const noexcept {
        chunk* const found = chunks_.lower_bound([=](const chunk& c) { return static_cast<const void*>(&c) <= p; });
        return found != nullptr && found->holds(static_cast<const std::byte*>(p)) ? found : nullptr;
    }
    /// How many blocks of the chunk have been carved (segregated.I3).
    std::size_t carved(const chunk& c, const bin& b) const noexcept {
        return c.holds(b.uncarved) ? static_cast<std::size_t>(b.uncarved - c.begin) / c.size : c.blocks;
    }
    chunk* idle_chunk(const bin& b, std::size_t index) const noexcept {
        chunk* idle = nullptr;
        chunks_.for_each([&](chunk& c) {
            if (c.index == index && c.free == carved(c, b)) idle = &c;
        });
        return idle;
    }
    void drop_free_blocks_of_idle_chunks(bin& b) const noexcept {
        for (free_block** link = &b.free; *link != nullptr;) {
            const chunk& c = *chunk_of(*link);
            if (c.free == carved(c, b)) {
                *link = (*link)->next;
            } else {
                link = &(*link)->next;
            }
        }
    }
    bool is_carved(const std::byte* p, std::size_t index) const noexcept {
        const chunk* const c = chunk_of(p);
        if (c == nullptr || c->index != index) return false;
        const auto offset = static_cast<std::size_t>(p - c->begin);
        return offset % c->size == 0 && offset / c->size < carved(*c, bins_[index]);
    }
    bool is_live(const std::byte* p, std::size_t index) const noexcept {
        if (!is_carved(p, index)) return false;
        for (const free_block* at = bins_[index].free; at != nullptr; at = at->next) {
            if (reinterpret_cast<const std::byte*>(at) == p) return false;
        }
        return true;
    }

    template <class Visit>
    void visit_free_of(const chunk& c, Visit& visit) const {
        chunk::flags is_free;
        const bin& b = bins_[c.index];
        for (const free_block* at = b.free; at != nullptr; at = at->next) {
            const auto* const p = reinterpret_cast<const std::byte*>(at);
            if (c.holds(p)) is_free.set(static_cast<std::size_t>(p - c.begin) / c.size);
        }
        for (std::size_t i = carved(c, b); i < c.blocks; ++i) is_free.set(i);
        for (std::size_t i = 0; i < c.blocks;) {
            std::size_t last = i;
            while (last < c.blocks && is_free[last]) ++last;
            if (last != i) visit(block{c.begin + i * c.size, (last - i) * c.size});
            i = last + 1;
        }
    }

    [[no_unique_address]] ref<Upstream> upstream_;
    std::array<bin, classes> bins_{};
    segregated_chunk::tree chunks_;
};

}  // namespace ashlar
