// ashlar/strategy/segregated.hpp - a list of free blocks for every size class; never split, never joined.
//
// Layer:      strategy
// Source:     Wilson, Johnstone, Neely, Boles, "Dynamic storage allocation: a survey and critical review",
//             IWMM 1995, section 3.6 (simple segregated storage).
// Picture:    class 32:  chunk [ 32 | 32 | 32 | not yet carved | header ] -> chunk -> ...    those with room
//                          header: free -> [ ] -> [ ] -> [ ]     last in, first out
// Complexity: allocate and deallocate O(1) beside the upstream, O(log chunks) when a chunk comes or goes.
//             Instructions by callgrind, 100 bytes, g++ -O2, ASHLAR_CHECKS 1: 84 and 83; 88 and 84 in 20,000
//             blocks, freed at random.
//             No header a block; waste is below a quarter of the size (size_class.I2), a bit a block and the rest
//             of a chunk of 64 KiB that holds no whole block.
// Failure:    up to 4 KiB: refuses when no chunk of the class has room and the upstream refuses another; above:
//             when the upstream does. available says exactly that, where the upstream can tell.
// Threads:    one at a time.
// Invariants: segregated.I1  a block of a class lies in a chunk of that class, at a multiple of the class's size
//             segregated.I2  the list of a class holds exactly its chunks that have room
//             segregated.I3  a class has at most `idle_chunks` chunks without a live block, and those `spared` more
// Checked by: tests/strategy/segregated_test.cpp
//
// Requests above 4 KiB, or aligned to more, are the upstream's: give those back before the allocator ends.
// The free list of a class is cut at its chunks, so that a chunk can go back without a search. A chunk without a
// live block goes back at once, but the last so many of a class, which are used last; trim gives those back too. A class
// that needs a chunk again after it gave one back keeps one more from then on, up to 7 and until it is trimmed: so a
// batch a little longer than a chunk, taken and given back again and again, asks the upstream a few times only.
// A free of what is not live, or with a layout of another class, breaks the contract, for the chunk's header and
// a bit. A foreign address between the chunks lacks the owner's mark where its header would be, or has no memory
// there; ASHLAR_CHECKS at 2 searches among the chunks instead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ashlar/foundation/operations.hpp"
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

    /// `idle_chunks`: how many chunks without a live block each class keeps at least. 0: none ever
    explicit segregated(ref<Upstream> upstream, std::size_t idle_chunks = 1) noexcept
        : upstream_(upstream), idle_chunks_(idle_chunks) {}
    explicit segregated(std::size_t idle_chunks = 1) noexcept
        requires stateless<Upstream>
        : segregated(ref<Upstream>(), idle_chunks) {}
    segregated(const segregated&) = delete;
    segregated& operator=(const segregated&) = delete;
    ~segregated() {
        while (!chunks_.empty()) give_back(*chunks_.root());
    }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t index = class_of(l);
        if (index >= classes) return upstream_->allocate(l);
        bin& from = bins_[index];
        if (from.roomy.empty() && !expand(from, index)) return alloc_error{};
        chunk& c = from.roomy.front();
        from.idle -= c.is_idle();
        std::byte* const p = c.take();
        if (c.is_full()) from.roomy.remove(c);
        return block{p, size_of_class(index)};
    }

    void deallocate(std::byte* p, layout l) noexcept {
        const std::size_t index = class_of(l);
        ASHLAR_PRE(is_live(p, l, index));
        if (index >= classes) return upstream_->deallocate(p, l);
        bin& to = bins_[index];
        chunk& c = chunk::of(p);
        if (c.is_full()) to.roomy.push_front(c);
        c.put(p);
        if (c.is_idle()) retire(to, c);
    }

    /// Within the class; above 4 KiB as the upstream can.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        const std::size_t index = class_of(old);
        ASHLAR_PRE(is_live(p, old, index) && now.size() >= old.size() && now.align() == old.align());
        if (index >= classes) return ashlar::grow_in_place(*upstream_, p, old, now);
        return within(p, index, class_of(now));
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        const std::size_t index = class_of(old), to = class_of(now);
        ASHLAR_PRE(is_live(p, old, index) && now.size() <= old.size() && now.align() == old.align() && now.size() != 0);
        if (index >= classes && to >= classes) return ashlar::shrink_in_place(*upstream_, p, old, now);
        return within(p, index, to);
    }
    /// What the upstream served and will serve it moves as it can (page: without copying).
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<Upstream>
    {
        const std::size_t index = class_of(old), to = class_of(now);
        ASHLAR_PRE(is_live(p, old, index) && now.size() != 0 && live_bytes <= old.size() && live_bytes <= now.size());
        if (index >= classes && to >= classes) return upstream_->reallocate(p, old, now, live_bytes);
        if (index == to && now.align() == old.align()) return within(p, index, to);
        const auto moved = allocate(now);
        if (!moved) return moved;
        std::memcpy(moved->data, p, live_bytes);
        deallocate(p, old);
        return moved;
    }

    /// Gives every chunk without a live block back to the upstream.
    void trim() noexcept {
        for (bin& b : bins_) {
            b.roomy.for_each([&](chunk& c) {
                if (!c.is_idle()) return;
                b.roomy.remove(c);
                give_back(c);
            });
            b.idle = b.spared = 0;
            b.gave_back = false;
        }
    }

    bool available(layout l) const noexcept
        requires forecasting<Upstream>
    {
        const Upstream& upstream = *upstream_;
        const std::size_t index = class_of(l);
        if (index >= classes) return upstream.available(l);
        return !bins_[index].roomy.empty() || upstream.available(chunk::asked());
    }
    /// @returns the class of the chunk that p lies in, `classes` where no chunk is. @complexity O(log chunks)
    std::size_t class_at(const std::byte* p) const noexcept {
        const chunk* const c = chunks_.lower_bound([=](const chunk& x) { return x.end() <= p; });
        return c != nullptr && c->begin() <= p ? c->index() : classes;
    }
    /// In order of address; blocks that touch as one range.
    template <class Visit>
    void for_each_free(Visit visit) const {
        chunks_.for_each([&](const chunk& c) { c.for_each_free(visit); });
    }
    std::size_t chunks() const noexcept {
        std::size_t count = 0;
        chunks_.for_each([&](const chunk&) { ++count; });
        return count;
    }
    /// The bytes of all chunks; what the upstream serves itself is not known here.
    std::size_t managed_bytes() const noexcept { return chunks() * chunk::bytes; }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        bool good = chunks_.consistent();
        std::size_t roomy = 0, listed = 0;
        chunks_.for_each([&](const chunk& c) {
            good = good && c.consistent() && c.is_linked() == !c.is_full();
            roomy += !c.is_full();
        });
        for (std::size_t index = 0; index < classes && good; ++index) {
            std::size_t idle = 0;
            good = bins_[index].roomy.consistent();
            bins_[index].roomy.for_each([&](const chunk& c) {
                good = good && c.index() == index;  // segregated.I1
                idle += c.is_idle();
                ++listed;
            });
            good = good && idle == bins_[index].idle && idle <= idle_chunks_ + bins_[index].spared;  // segregated.I3
        }
        return good && listed == roomy;  // segregated.I2
    }

private:
    static constexpr std::uint8_t most_spared = 7;
    struct bin {
        intrusive_list<chunk> roomy;
        std::size_t idle = 0;  // how many of them have no live block
        std::uint8_t spared = 0;
        bool gave_back = false;  // since a chunk was obtained last
    };

    /// @returns `classes` for what the upstream serves
    static std::size_t class_of(layout l) noexcept {
        if (l.size() > largest || l.align() > largest || l.size() == 0) return classes;
        return l.align() <= size_class_step ? class_of_size(l.size()) : class_of_aligned_size(l.size(), l.align());
    }
    static result<block> within(std::byte* p, std::size_t index, std::size_t to) noexcept {
        if (to != index) return alloc_error{};
        return block{p, size_of_class(index)};
    }
    /// What the upstream serves it judges itself, but no block of a chunk is among that.
    bool is_live(std::byte* p, layout l, std::size_t index) const noexcept {
        if (l.size() == 0 || !is_aligned(p, l.align())) return false;
        if (index >= classes) return true;
        if (address(p) < address(lowest_) || address(p) >= address(highest_)) return false;
        ASHLAR_INVARIANT(class_at(p) == index);
        const chunk& c = chunk::of(p);
        return c.claimed_owner() == this && c.index() == index && c.is_live(p);
    }

    // Pointers into different chunks are compared as numbers.
    static std::uintptr_t address(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }

    bool expand(bin& b, std::size_t index) noexcept {
        const auto granted = upstream_->allocate(chunk::asked());
        if (!granted) return false;
        chunk& made = chunk::build(granted->data, this, index);
        chunks_.insert(made);
        if (b.gave_back && idle_chunks_ != 0 && b.spared < most_spared) ++b.spared;
        b.gave_back = false;
        if (lowest_ == nullptr || address(made.begin()) < address(lowest_)) lowest_ = made.begin();
        if (address(highest_) < address(made.end())) highest_ = made.end();
        b.roomy.push_front(made);
        ++b.idle;
        return true;
    }
    /// The chunk's last live block was given back.
    void retire(bin& b, chunk& c) noexcept {
        b.roomy.remove(c);
        if (b.idle == idle_chunks_ + b.spared) {
            b.gave_back = true;
            return give_back(c);
        }
        b.roomy.push_back(c);
        ++b.idle;
    }
    void give_back(chunk& c) noexcept {
        chunks_.erase(c);
        std::byte* const begin = c.begin();
        c.disown();
        unpoison(begin, chunk::bytes);
        upstream_->deallocate(begin, chunk::asked());
    }

    [[no_unique_address]] ref<Upstream> upstream_;
    const std::size_t idle_chunks_;
    std::array<bin, classes> bins_{};
    segregated_chunk::tree chunks_;
    const std::byte* lowest_ = nullptr;  // every chunk that there was lies in [lowest, highest)
    const std::byte* highest_ = nullptr;
};

}  // namespace ashlar
