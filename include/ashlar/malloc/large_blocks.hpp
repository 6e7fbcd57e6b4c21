// ashlar/malloc/large_blocks.hpp - mappings of their own for blocks above 4 MiB, and a cache of freed ones.
//
// Layer:      malloc
// Source:     mremap(2); Jansson, rpmalloc (a cache bounded in bytes).
// Picture:    live:   [ mapping ] [ mapping ]       cache: [ mapping ] [ mapping ]  (oldest is released first)
// Complexity: take: at most a few system calls and `slots` comparisons. Growth moves no bytes (remap).
// Failure:    refuses with data == nullptr; nothing changes.
// Threads:    one at a time (the caller's lock).
// Invariants: large_blocks.I1  cached bytes <= the limit after every give, except what the system would not take
//             large_blocks.I2  what take gives is committed; it is zero when it says so
// Checked by: tests/malloc/large_blocks_test.cpp
//
// A mapping in the cache keeps its pages: taking it again faults nothing in, and remap fits its size. Most of a
// large block's cost is the kernel clearing its pages.
#pragma once

#include <atomic>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/malloc/slice_provider.hpp"

namespace ashlar::malloc {

struct mapping {
    std::byte* data;
    std::size_t size;
    bool zero;
};

template <os::page_source Pages>
class large_blocks {
public:
    static constexpr std::size_t slots = 16;

    /// @pre size and align are multiples of the page size, align a power of two
    mapping take(Pages& pages, std::size_t size, std::size_t align, bool huge) noexcept {
        if (const mapping found = take_cached(pages, size, align); found.data != nullptr) return found;
        auto granted = pages.reserve(size, align);
        if (!granted && cached() != 0) {
            drop_all(pages);  // address space may be short (RLIMIT_AS)
            granted = pages.reserve(size, align);
        }
        if (!granted) return {nullptr, 0, false};
        if (!pages.commit(granted->data, size)) {
            pages.release(granted->data, size);
            return {nullptr, 0, false};
        }
        if (huge) pages.advise(granted->data, size, os::advice::huge_pages);
        change(live_, size);
        return {granted->data, size, true};
    }
    /// `limit` is the most bytes to be kept in the cache; 0 releases at once.
    void give(Pages& pages, std::byte* data, std::size_t size, std::size_t limit, std::uint64_t now) noexcept {
        change(live_, 0 - size);
        if (size > limit && pages.release(data, size)) return;
        while (count_ == slots || (count_ != 0 && cached() + size > limit)) {
            if (!drop(pages, 0)) break;
        }
        if (count_ == slots) {
            lost_ += size;  // the system refuses to unmap and there is no slot: address space, not a live block
            return;
        }
        cache_[count_++] = {data, size, now};
        change(cached_, size);
    }
    /// Grows or shrinks a live mapping; it may move. @returns data == nullptr when refused: it is as it was
    mapping resize(Pages& pages, std::byte* data, std::size_t old_size, std::size_t size) noexcept {
        auto granted = pages.remap(data, old_size, size, true);
        if (!granted && cached() != 0) {
            drop_all(pages);
            granted = pages.remap(data, old_size, size, true);
        }
        if (!granted) return {nullptr, 0, false};
        change(live_, size - old_size);
        return {granted->data, size, false};
    }
    /// Releases what has been in the cache since before `time`.
    void drop_older(Pages& pages, std::uint64_t time) noexcept {
        while (count_ != 0 && cache_[0].since < time) {
            if (!drop(pages, 0)) return;
        }
    }
    /// Releases the oldest until at most so many bytes are cached.
    void shrink_to(Pages& pages, std::size_t limit) noexcept {
        while (cached() > limit && drop(pages, 0)) {
        }
    }
    void drop_all(Pages& pages) noexcept {
        while (count_ != 0 && drop(pages, 0)) {
        }
    }
    /// May be read without the lock; they are then a moment old.
    std::size_t live() const noexcept { return live_.load(std::memory_order_relaxed); }
    std::size_t cached() const noexcept { return cached_.load(std::memory_order_relaxed); }

private:
    struct kept {
        std::byte* data;
        std::size_t size;
        std::uint64_t since;
    };

    /// The best: least to fault in, then least to give back. Misaligned ones do not serve.
    mapping take_cached(Pages& pages, std::size_t size, std::size_t align) noexcept {
        std::size_t best = slots;
        for (std::size_t i = 0; i < count_; ++i) {
            if (!is_aligned(cache_[i].data, align)) continue;
            if (best == slots || badness(cache_[i].size, size) < badness(cache_[best].size, size)) best = i;
        }
        if (best == slots) return {nullptr, 0, false};
        const kept entry = cache_[best];
        if (entry.size != size) {
            const bool grows = size > entry.size;
            if (grows && align > pages.page_size()) return {nullptr, 0, false};  // it might move off its alignment
            const auto fitted = pages.remap(entry.data, entry.size, size, grows);
            if (!fitted) return {nullptr, 0, false};
            forget(best);
            change(live_, size);
            return {fitted->data, size, false};
        }
        forget(best);
        change(live_, size);
        return {entry.data, size, false};
    }
    /// Adds; written under the lock only, so a load and a store do. relaxed: a figure, it publishes nothing.
    static void change(std::atomic<std::size_t>& figure, std::size_t by) noexcept {
        figure.store(figure.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    static std::size_t badness(std::size_t have, std::size_t want) noexcept {
        return have >= want ? have - want : 2 * (want - have);
    }
    bool drop(Pages& pages, std::size_t i) noexcept {
        if (!pages.release(cache_[i].data, cache_[i].size)) return false;
        forget(i);
        return true;
    }
    void forget(std::size_t i) noexcept {
        change(cached_, 0 - cache_[i].size);
        for (--count_; i < count_; ++i) cache_[i] = cache_[i + 1];
    }

    kept cache_[slots]{};
    std::size_t count_ = 0;
    std::atomic<std::size_t> cached_{0};
    std::atomic<std::size_t> live_{0};
    std::size_t lost_ = 0;
};

}  // namespace ashlar::malloc
