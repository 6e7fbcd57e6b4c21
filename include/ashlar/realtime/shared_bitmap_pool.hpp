// ashlar/realtime/shared_bitmap_pool.hpp - equal blocks for any number of threads: one bit a block, taken and given back at once.
//
// Layer:      realtime
// Source:     Herlihy, "Wait-free synchronization", TOPLAS 13(1), 1991 (what each thread ends by itself); Knuth, "The Art of
//             Computer Programming", volume 1, section 2.5 (a bit a block).
// Picture:    words  [ 0110.. ] [ 0000.. ] [ 1111.. ]    1: free     memory [ block | block | ... ][ words ]
//                      ^ hint: where a block was freed last
// Complexity: deallocate one atomic instruction. allocate one where the hint's word has a free block and nobody takes it
//             first; at worst a look at each word (64 blocks) and 64 tries in each: wait-free, both.
// Failure:    refuses when every word was seen without a free block: one that is freed behind the search may be missed.
// Threads:    any number at once; a thread that dies holds nothing but the blocks that it was granted.
// Invariants: shared_bitmap_pool.I1  the bit of a block is set exactly while it is free
// Checked by: tests/realtime/shared_bitmap_pool_test.cpp, tests/realtime/shared_pools_threads_test.cpp
//
// No index is compared, so nothing can be taken for what it was before (no tag, no width). A double free is seen by the
// same instruction that frees: the bit was set already. Blocks are never written by the pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/atomics.hpp"
#include "ashlar/strategy/block_shape.hpp"

namespace ashlar {

template <std::size_t Size, std::size_t Align = alignof(void*), atomics_policy Atomics = std_atomics>
class shared_bitmap_pool {
    using shape = block_shape<Size, Align>;
    using word = typename Atomics::template atomic<std::uint64_t>;

public:
    static constexpr bool is_thread_safe = true;
    static constexpr std::size_t block_align = shape::align;
    static constexpr std::size_t block_size = shape::size;

    /// @pre the memory outlives the pool; nobody else touches it meanwhile
    explicit shared_bitmap_pool(block memory) noexcept {
        const std::size_t lead = padding_to(memory.data, block_align);
        if (memory.size < lead) return;
        std::size_t n = (memory.size - lead) / block_size;
        while (n != 0 && lead + bytes_for(n) > memory.size) --n;
        blocks_ = n;
        begin_ = memory.data + lead;
        words_ = reinterpret_cast<word*>(begin_ + words_at(n));
        for (std::size_t w = 0; w < words(n); ++w) ::new (words_ + w) word(n - w * 64 < 64 ? bit(n) - 1 : ~std::uint64_t{0});
    }
    shared_bitmap_pool(const shared_bitmap_pool&) = delete;
    shared_bitmap_pool& operator=(const shared_bitmap_pool&) = delete;

    /// Bytes of memory for so many blocks, wherever it begins.
    static constexpr std::size_t memory_bytes(std::size_t blocks) noexcept { return bytes_for(blocks) + block_align; }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t count = words(blocks_);
        if (!shape::fits(l)) return alloc_error{};
        std::size_t w = hint_.load(memory_order_relaxed);  // any value is as right as another
        for (std::size_t looked = 0; looked < count; ++looked, w = w + 1 < count ? w + 1 : 0) {
            std::uint64_t seen = words_[w].load(memory_order_relaxed);
            for (unsigned tries = 0; seen != 0 && tries < 64; ++tries) {
                const std::size_t i = static_cast<unsigned>(__builtin_ctzll(seen));
                // acquire: pairs with the release in deallocate, so what its thread wrote is over
                if ((words_[w].fetch_and(~bit(i), memory_order_acquire) & bit(i)) != 0) {
                    if (looked != 0) hint_.store(w, memory_order_relaxed);
                    return block{begin_ + (w * 64 + i) * block_size, block_size};
                }
                seen = words_[w].load(memory_order_relaxed);
            }
        }
        return alloc_error{};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() != 0 && shape::fits(l) && is_block(p));
        const std::size_t i = number_of(p);
        // release: pairs with the acquire in allocate
        const bool was_free = (words_[i / 64].fetch_or(bit(i), memory_order_release) & bit(i)) != 0;
        ASHLAR_PRE(!was_free);  // shared_bitmap_pool.I1
        static_cast<void>(was_free);
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
        bool some = false;
        for (std::size_t w = 0; w < words(blocks_); ++w) some = some || words_[w].load(memory_order_relaxed) != 0;
        return some && shape::fits(l);
    }
    bool owns(const std::byte* p) const noexcept {
        return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_) < blocks_ * block_size;
    }
    /// Whether p is the beginning of a live block.
    bool is_live(const std::byte* p) const noexcept { return is_block(p) && !is_free(number_of(p)); }
    /// In order of address; blocks that touch as one range. @pre no other thread is inside the pool
    template <class Visit>
    void for_each_free(Visit visit) const {
        for (std::size_t i = 0; i < blocks_;) {
            std::size_t last = i;
            while (last < blocks_ && is_free(last)) ++last;
            if (last != i) visit(block{begin_ + i * block_size, (last - i) * block_size});
            i = last + 1;
        }
    }
    std::size_t capacity() const noexcept { return blocks_; }  ///< blocks in all

private:
    static constexpr std::uint64_t bit(std::size_t i) noexcept { return std::uint64_t{1} << i % 64; }
    static constexpr std::size_t words(std::size_t n) noexcept { return (n + 63) / 64; }
    static constexpr std::size_t words_at(std::size_t n) noexcept { return align_up(n * block_size, std::size_t{8}); }
    static constexpr std::size_t bytes_for(std::size_t n) noexcept { return words_at(n) + words(n) * 8; }
    std::size_t number_of(const std::byte* p) const noexcept { return static_cast<std::size_t>(p - begin_) / block_size; }
    bool is_block(const std::byte* p) const noexcept {
        return owns(p) && static_cast<std::size_t>(p - begin_) % block_size == 0;
    }
    bool is_free(std::size_t i) const noexcept { return (words_[i / 64].load(memory_order_relaxed) & bit(i)) != 0; }

    alignas(64) typename Atomics::template atomic<std::size_t> hint_{0};  ///< the word to look at first
    std::byte* begin_ = nullptr;
    std::size_t blocks_ = 0;
    word* words_ = nullptr;
};

}  // namespace ashlar
