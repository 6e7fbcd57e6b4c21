// ashlar/strategy/pool.hpp - equal blocks, carved from growing chunks; the block given back last is granted next.
//
// Layer:      strategy
// Source:     Kenwright, "Fast efficient fixed-size memory pool", COMPUTATION TOOLS 2012 (no loop over a new chunk);
//             Wilson, Johnstone, Neely, Boles, "Dynamic storage allocation", IWMM 1995 (simple segregated storage).
// Picture:    free -> [ ] -> [ ] -> null          through free blocks of all chunks, last in, first out
//             chunk  [ block | block | block | fresh . . . . | header | a bit a block ]
// Complexity: allocate and deallocate O(1) beside the upstream: 5 instructions and 3 where the layout is a constant
//             (-O2, no checks; the path that carves is out of line). trim and for_each_free O(free log chunks).
//             No header a block; a bit a block and 48 bytes a chunk. Multiples of 256 bytes are up to a 16th larger, so
//             that blocks spread over the cache (docs/benchmarks/pools.md).
// Failure:    refuses a layout that does not fit a block; else only when no block is free and the upstream refuses
//             every chunk, from the next one's size halved down to the first one's. available says just that.
// Threads:    one at a time.
// Invariants: pool.I1  a block lies in a chunk, a multiple of block_size from its beginning
//             pool.I2  the free list holds the carved blocks that are not live, each once
//             pool.I3  what is not yet carved, [fresh, fresh_end), is the end of one chunk's blocks
// Checked by: tests/strategy/pool_test.cpp, tests/budgets/pools.cpp
// Long:       giving whole chunks back and telling misuse apart both read the one free list.
//
// The size is part of the type, so that no request is compared with it where the caller's layout is a constant. The
// free list runs through the blocks: choose slab where empty chunks must go back by themselves, bitmap where blocks
// must not be touched. A chunk without a live block goes back by trim, all of them by reset.
// A free of the block freed last, of a foreign address or with a wrong layout breaks the contract at ASHLAR_CHECKS 1;
// any free of what is not a live block at 2, where the free list is searched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/block_shape.hpp"
#include "ashlar/strategy/page.hpp"

namespace ashlar {

/// The bytes of the first chunk, and those that no later one passes; each is as large as all before it together.
struct chunk_growth {
    std::size_t first = std::size_t{16} << 10;
    std::size_t largest = std::size_t{1} << 20;
};

template <std::size_t Size, std::size_t Align = alignof(void*), allocator Upstream = page<>>
class pool {
    using shape = block_shape<Size, Align>;
    struct link {
        link* next;
    };

public:
    static constexpr std::size_t block_align = shape::align;
    static constexpr std::size_t block_size = shape::size;

    /// @pre growth.first <= growth.largest; a chunk holds one block at least, whatever growth says
    explicit pool(ref<Upstream> upstream, chunk_growth growth = {}) noexcept : upstream_(upstream), growth_(growth) {
        ASHLAR_PRE(growth.first <= growth.largest && growth.largest <= layout::max_size / 256);
    }
    explicit pool(chunk_growth growth = {}) noexcept
        requires stateless<Upstream>
        : pool(ref<Upstream>(), growth) {}
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    ~pool() { reset(); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (!fits(l)) return alloc_error{};
        link* const first = free_;
        if (first == nullptr) [[unlikely]] return allocate_carved();
        free_ = first->next;
        unpoison(first, block_size);
        return block{reinterpret_cast<std::byte*>(first), block_size};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() != 0 && fits(l) && may_be_live(p));
        ASHLAR_INVARIANT(is_live(p));
        free_ = ::new (p) link{free_};
        poison(p + sizeof(link), block_size - sizeof(link));
    }

    /// Within the block.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(may_be_live(p));
        return shape::grow(p, old, now);
    }
    /// Keeps all its bytes.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(may_be_live(p));
        return shape::shrink(p, old, now);
    }

    /// Gives every chunk without a live block back to the upstream. @complexity O(free log chunks)
    void trim() noexcept {
        mark_free();
        link** end = &free_;  // the other blocks stay in the order in which they were given back
        for (link* at = free_; at != nullptr; at = at->next) {
            if (chunk_at(bytes_of(at))->is_idle()) continue;
            *end = at;
            end = &at->next;
        }
        *end = nullptr;
        for (chunk* c = chunks_.first(); c != nullptr;) {
            chunk* const next = chunks_.next(*c);
            if (c->is_idle()) give_back(*c);
            c = next;
        }
    }
    /// Ends the life of every block and gives every chunk back. @complexity O(chunks log chunks)
    void reset() noexcept {
        free_ = nullptr;
        while (!chunks_.empty()) give_back(*chunks_.root());
    }

    bool available(layout l) const noexcept
        requires forecasting<Upstream>
    {
        if (!fits(l)) return false;
        if (free_ != nullptr || fresh_ != fresh_end_) return true;
        const Upstream& upstream = *upstream_;
        for (std::size_t bytes = next_bytes();; bytes = halved(bytes)) {
            if (upstream.available(chunk_layout(bytes))) return true;
            if (bytes == smallest_bytes()) return false;
        }
    }
    /// Whether p lies in a chunk. @complexity O(log chunks)
    bool owns(const std::byte* p) const noexcept { return chunk_at(p) != nullptr; }
    /// Whether p is the beginning of a live block. @complexity O(free)
    bool is_live(const std::byte* p) const noexcept {
        const chunk* const c = chunk_at(p);
        if (c == nullptr || static_cast<std::size_t>(p - c->begin) % block_size != 0) return false;  // pool.I1
        if (p >= fresh_ && p < fresh_end_) return false;                                            // pool.I3
        for (const link* at = free_; at != nullptr; at = at->next) {
            if (bytes_of(at) == p) return false;  // pool.I2
        }
        return true;
    }
    /// In order of address; blocks that touch as one range.
    template <class Visit>
    void for_each_free(Visit visit) const {
        mark_free();
        chunks_.for_each([&](const chunk& c) {
            for (std::size_t i = 0; i < c.count;) {
                std::size_t last = i;
                while (last < c.count && c.is_free(last)) ++last;
                if (last != i) visit(block{c.begin + i * block_size, (last - i) * block_size});
                i = last + 1;
            }
        });
    }
    std::size_t chunks() const noexcept {
        std::size_t count = 0;
        chunks_.for_each([&](const chunk&) { ++count; });
        return count;
    }
    std::size_t managed_bytes() const noexcept { return managed_; }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        if (fresh_ != fresh_end_) {  // pool.I3
            const chunk* const c = chunk_at(fresh_);
            if (c == nullptr || c->end() != fresh_end_) return false;
        }
        return chunks_.consistent() && mark_free();
    }

private:
    static constexpr std::size_t carved_at_once = 4096 / block_size < 4 ? 4 : 4096 / block_size;

    /// Stands behind the blocks of a chunk, so that they begin at the chunk's alignment; then a bit for each of them,
    /// which only mark_free sets.
    struct chunk : tree_links {
        std::byte* begin;
        std::size_t count;  // of blocks
        std::size_t asked;  // of the upstream, in bytes
        mutable std::size_t free;

        std::byte* end() const noexcept { return begin + count * block_size; }
        bool is_idle() const noexcept { return free == count; }
        std::uint64_t& word(std::size_t i) const noexcept {
            return reinterpret_cast<std::uint64_t*>(const_cast<chunk*>(this) + 1)[i];
        }
        bool is_free(std::size_t i) const noexcept { return (word(i / 64) >> i % 64 & 1) != 0; }
        /// @returns false if it was marked already
        bool mark(std::size_t i) const noexcept {
            if (is_free(i)) return false;
            word(i / 64) |= std::uint64_t{1} << i % 64;
            ++free;
            return true;
        }
    };
    struct by_address {
        static bool before(const chunk& a, const chunk& b) noexcept { return a.begin < b.begin; }
    };
    using tree = intrusive_tree<chunk, by_address>;

    static constexpr bool fits(layout l) noexcept { return shape::fits(l); }
    static const std::byte* bytes_of(const link* at) noexcept { return reinterpret_cast<const std::byte*>(at); }
    /// What can be said without a search.
    bool may_be_live(const std::byte* p) const noexcept {
        return is_aligned(p, block_align) && p >= lowest_ && p < highest_ && p != bytes_of(free_);
    }
    chunk* chunk_at(const std::byte* p) const noexcept {
        chunk* const c = chunks_.lower_bound([=](const chunk& x) { return p >= x.end(); });
        return c != nullptr && p >= c->begin ? c : nullptr;
    }

    // ---- how large a chunk is -------------------------------------------------------------------------

    static constexpr std::size_t words(std::size_t blocks) noexcept { return (blocks + 63) / 64; }
    static constexpr std::size_t bytes_for(std::size_t blocks) noexcept {
        return blocks * block_size + sizeof(chunk) + words(blocks) * sizeof(std::uint64_t);
    }
    static constexpr std::size_t blocks_in(std::size_t bytes) noexcept {
        std::size_t n = (bytes - sizeof(chunk)) * 8 / (block_size * 8 + 1);
        while (bytes_for(n) > bytes) --n;
        return n;
    }
    static layout chunk_layout(std::size_t bytes) noexcept { return *layout::make(bytes, block_align); }
    std::size_t smallest_bytes() const noexcept {
        return growth_.first > bytes_for(1) ? growth_.first : bytes_for(1);
    }
    std::size_t next_bytes() const noexcept {
        const std::size_t wish = managed_ < growth_.largest ? managed_ : growth_.largest;
        return wish > smallest_bytes() ? wish : smallest_bytes();
    }
    std::size_t halved(std::size_t bytes) const noexcept {
        return bytes / 2 > smallest_bytes() ? bytes / 2 : smallest_bytes();
    }

    // ---- the slow path --------------------------------------------------------------------------------

    /// The next of the fresh blocks; links a few of those behind it, so that no step is longer than another.
    [[gnu::noinline, gnu::cold]] result<block> allocate_carved() noexcept {
        if (fresh_ == fresh_end_ && !expand()) return alloc_error{};
        std::byte* const granted = fresh_;
        fresh_ += block_size;
        const std::size_t left = static_cast<std::size_t>(fresh_end_ - fresh_) / block_size;
        const std::size_t count = left < carved_at_once ? left : carved_at_once;
        link** end = &free_;
        for (std::size_t i = 0; i < count; ++i, fresh_ += block_size) {
            unpoison(fresh_, sizeof(link));
            *end = ::new (fresh_) link{nullptr};
            end = &(*end)->next;
        }
        unpoison(granted, block_size);
        return block{granted, block_size};
    }
    bool expand() noexcept {
        for (std::size_t bytes = next_bytes();; bytes = halved(bytes)) {
            const auto granted = upstream_->allocate(chunk_layout(bytes));
            if (granted) {
                add(*granted, bytes);
                return true;
            }
            if (bytes == smallest_bytes()) return false;
        }
    }
    void add(block granted, std::size_t asked) noexcept {
        const std::size_t count = blocks_in(granted.size);
        auto& made = *::new (granted.data + count * block_size) chunk{{}, granted.data, count, asked, 0};
        chunks_.insert(made);
        managed_ += asked;
        fresh_ = granted.data;
        fresh_end_ = made.end();
        if (lowest_ == nullptr || fresh_ < lowest_) lowest_ = fresh_;
        if (fresh_end_ > highest_) highest_ = fresh_end_;
        poison(fresh_, count * block_size);
    }
    void give_back(chunk& c) noexcept {
        std::byte* const begin = c.begin;
        const std::size_t asked = c.asked;
        if (fresh_end_ == c.end()) fresh_ = fresh_end_ = nullptr;
        unpoison(begin, c.count * block_size);
        chunks_.erase(c);
        managed_ -= asked;
        upstream_->deallocate(begin, chunk_layout(asked));
    }

    /// Sets the bits of all free blocks, and no others. @returns whether pool.I1 and pool.I2 hold
    bool mark_free() const noexcept {
        chunks_.for_each([](const chunk& c) {
            for (std::size_t i = 0; i < words(c.count); ++i) c.word(i) = 0;
            c.free = 0;
        });
        for (const link* at = free_; at != nullptr; at = at->next) {
            const chunk* const c = chunk_at(bytes_of(at));
            if (c == nullptr) return false;
            const auto offset = static_cast<std::size_t>(bytes_of(at) - c->begin);
            if (offset % block_size != 0 || !c->mark(offset / block_size)) return false;
        }
        if (fresh_ == fresh_end_) return true;
        const chunk* const c = chunk_at(fresh_);
        for (std::size_t i = static_cast<std::size_t>(fresh_ - c->begin) / block_size; i < c->count; ++i) {
            if (!c->mark(i)) return false;
        }
        return true;
    }

    link* free_ = nullptr;
    std::byte* fresh_ = nullptr;
    std::byte* fresh_end_ = nullptr;
    [[no_unique_address]] ref<Upstream> upstream_;
    chunk_growth growth_;
    std::size_t managed_ = 0;
    tree chunks_;
    const std::byte* lowest_ = nullptr;  // every chunk that there was lies in [lowest, highest)
    const std::byte* highest_ = nullptr;
};

/// A pool whose blocks each hold a T.
template <class T, allocator Upstream = page<>>
using pool_of = pool<sizeof(T), alignof(T), Upstream>;

}  // namespace ashlar
