// ashlar/realtime/shared_index_pool.hpp - equal blocks for any number of threads, last in, first out, without a lock.
//
// Layer:      realtime
// Source:     Treiber, "Systems programming: coping with parallelism", IBM RJ 5118, 1986; the tag against reuse of an index is
//             that of IBM System/370's compare-double-and-swap, in one word.
// Picture:    head  [ tag | index ] -> 3 -> 7 -> 0        memory [ block | block | ... ][ links ][ spill bits ]
//             link  of a free block: the next one's index; of a live block: all ones
// Complexity: allocate and deallocate: one compare-exchange where nobody interferes, at most Tries of them ever; then
//             allocate looks at the spill bits, a word for 64 blocks, and deallocate sets one: wait-free, both.
// Failure:    refuses when no block is free, and when Tries compare-exchanges were lost to other threads and no bit is set.
// Threads:    any number at once; a thread that dies holds nothing but the blocks that it was granted.
// Invariants: shared_index_pool.I1  a block is live, in the list or spilled: exactly one of the three
//             shared_index_pool.I2  the tag changes with every change of the head
// Checked by: tests/realtime/shared_index_pool_test.cpp, tests/realtime/shared_pools_threads_test.cpp
//
// Links lie apart from the blocks: a thread that was overtaken reads a link that is stale, never the bytes of a live block.
// IndexBits is what an index takes of the word, the tag has the rest: 16 serve 65,534 blocks with a tag of 48 bits, 48
// serve any memory with one of 16. The tag must not come round while a thread stands between its load and its
// compare-exchange: with 32 bits that are four thousand million operations of others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/atomics.hpp"
#include "ashlar/strategy/block_shape.hpp"

namespace ashlar {

template <std::size_t Size, std::size_t Align = alignof(void*), unsigned IndexBits = 32, unsigned Tries = 64,
          atomics_policy Atomics = std_atomics>
class shared_index_pool {
    static_assert(IndexBits >= 8 && IndexBits <= 48 && Tries != 0);
    using shape = block_shape<Size, Align>;
    using index = std::conditional_t<IndexBits <= 16, std::uint16_t, std::conditional_t<IndexBits <= 32, std::uint32_t, std::uint64_t>>;
    template <class T>
    using shared = typename Atomics::template atomic<T>;

public:
    static constexpr bool is_thread_safe = true;
    static constexpr std::size_t block_align = shape::align;
    static constexpr std::size_t block_size = shape::size;
    static constexpr std::size_t most_blocks = (std::size_t{1} << IndexBits) - 2;

    /// @pre the memory outlives the pool; nobody else touches it meanwhile
    explicit shared_index_pool(block memory) noexcept {
        const std::size_t lead = padding_to(memory.data, block_align);
        if (memory.size < lead) return;
        std::size_t n = (memory.size - lead) / (block_size + sizeof(index));
        n = n < most_blocks ? n : most_blocks;
        while (n != 0 && lead + bytes_for(n) > memory.size) --n;
        blocks_ = n;
        begin_ = memory.data + lead;
        links_ = reinterpret_cast<shared<index>*>(begin_ + links_at(n));
        spilled_bits_ = reinterpret_cast<shared<std::uint64_t>*>(begin_ + bits_at(n));
        for (std::size_t w = 0; w < words(n); ++w) ::new (spilled_bits_ + w) shared<std::uint64_t>(0);
        for (std::size_t i = 0; i < n; ++i) ::new (links_ + i) shared<index>(static_cast<index>(i + 1 < n ? i + 2 : 0));
        head_.store(n != 0 ? 1 : 0, memory_order_relaxed);  // whoever may use the pool knows that it was made
    }
    shared_index_pool(const shared_index_pool&) = delete;
    shared_index_pool& operator=(const shared_index_pool&) = delete;

    /// Bytes of memory for so many blocks, wherever it begins.
    static constexpr std::size_t memory_bytes(std::size_t blocks) noexcept { return bytes_for(blocks) + block_align; }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (!shape::fits(l)) return alloc_error{};
        // acquire: pairs with the release in deallocate: the link below is of this head, or of a later one. Without it the link may be
        // older than the head, and the exchange, which compares heads alone, would succeed with it: its own order comes too late.
        std::uint64_t head = head_.load(memory_order_acquire);
        for (unsigned tries = 0; (head & mask) != 0 && tries < Tries; ++tries) {
            const std::size_t i = (head & mask) - 1;
            const std::uint64_t next = links_[i].load(memory_order_relaxed);  // stale if the head has changed: then it fails
            const std::uint64_t wanted = ((head & ~mask) + (mask + 1)) | (next & mask);  // shared_index_pool.I2
            // order kept: success reads the very store that was acquired (I2); but compilers give it its failure's order anyhow
            if (head_.compare_exchange_weak(head, wanted, memory_order_acquire, memory_order_acquire)) return granted(i);
        }
        return spilled_.load(memory_order_relaxed) != 0 ? take_spilled() : result<block>(alloc_error{});
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() != 0 && shape::fits(l) && is_live(p));
        const std::size_t i = number_of(p);
        std::uint64_t head = head_.load(memory_order_relaxed);
        for (unsigned tries = 0; tries < Tries; ++tries) {
            links_[i].store(static_cast<index>(head & mask), memory_order_relaxed);
            const std::uint64_t wanted = ((head & ~mask) + (mask + 1)) | (i + 1);
            // release: pairs with the acquire in allocate; publishes the link and what the thread wrote into the block
            if (head_.compare_exchange_weak(head, wanted, memory_order_release, memory_order_relaxed)) return;
        }
        spilled_bits_[i / 64].fetch_or(std::uint64_t{1} << i % 64, memory_order_release);  // pairs with take_spilled()
        spilled_.fetch_add(1, memory_order_relaxed);
    }

    /// Within the block.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p));
        return shape::grow(p, old, now);
    }
    /// Keeps all its bytes.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p));
        return shape::shrink(p, old, now);
    }

    bool available(layout l) const noexcept {
        return shape::fits(l) && ((head_.load(memory_order_relaxed) & mask) != 0 || spilled_.load(memory_order_relaxed) != 0);
    }
    bool owns(const std::byte* p) const noexcept {
        return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_) < blocks_ * block_size;
    }
    /// Whether p is the beginning of a live block.
    bool is_live(const std::byte* p) const noexcept {
        if (!owns(p) || static_cast<std::size_t>(p - begin_) % block_size != 0) return false;
        return links_[number_of(p)].load(memory_order_relaxed) == live;
    }
    /// In order of address; blocks that touch as one range. @pre no other thread is inside the pool
    template <class Visit>
    void for_each_free(Visit visit) const {
        for (std::size_t i = 0; i < blocks_;) {
            std::size_t last = i;
            while (last < blocks_ && links_[last].load(memory_order_relaxed) != live) ++last;
            if (last != i) visit(block{begin_ + i * block_size, (last - i) * block_size});
            i = last + 1;
        }
    }
    std::size_t capacity() const noexcept { return blocks_; }  ///< blocks in all

private:
    static constexpr std::uint64_t mask = (std::uint64_t{1} << IndexBits) - 1;
    static constexpr index live = static_cast<index>(~index{0});

    static constexpr std::size_t words(std::size_t n) noexcept { return (n + 63) / 64; }
    static constexpr std::size_t links_at(std::size_t n) noexcept { return align_up(n * block_size, std::size_t{8}); }
    static constexpr std::size_t bits_at(std::size_t n) noexcept { return align_up(links_at(n) + n * sizeof(index), std::size_t{8}); }
    static constexpr std::size_t bytes_for(std::size_t n) noexcept { return bits_at(n) + words(n) * 8; }
    std::size_t number_of(const std::byte* p) const noexcept { return static_cast<std::size_t>(p - begin_) / block_size; }

    block granted(std::size_t i) noexcept {
        links_[i].store(live, memory_order_relaxed);  // shared_index_pool.I1: by whoever owns the block: nobody else reads it but to fail
        return block{begin_ + i * block_size, block_size};
    }
    /// What deallocate could not put into the list. @returns the first that is there when it is looked at
    [[gnu::noinline]] result<block> take_spilled() noexcept {
        for (std::size_t w = 0; w < words(blocks_); ++w) {
            std::uint64_t seen = spilled_bits_[w].load(memory_order_relaxed);
            for (unsigned tries = 0; seen != 0 && tries < 64; ++tries) {
                const std::uint64_t bit = seen & (0 - seen);
                // acquire: pairs with the release in deallocate
                if ((spilled_bits_[w].fetch_and(~bit, memory_order_acquire) & bit) != 0) {
                    spilled_.fetch_sub(1, memory_order_relaxed);
                    return granted(w * 64 + static_cast<unsigned>(__builtin_ctzll(bit)));
                }
                seen &= ~bit;
            }
        }
        return alloc_error{};
    }

    alignas(64) shared<std::uint64_t> head_{0};
    alignas(64) shared<std::size_t> spilled_{0};  ///< about how many bits are set
    std::byte* begin_ = nullptr;
    std::size_t blocks_ = 0;
    shared<index>* links_ = nullptr;
    shared<std::uint64_t>* spilled_bits_ = nullptr;
};

}  // namespace ashlar
