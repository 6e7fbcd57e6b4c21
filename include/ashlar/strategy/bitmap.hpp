// ashlar/strategy/bitmap.hpp - one bit a block, kept outside of the blocks; runs of blocks for larger requests.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5 (first fit); van Emde Boas, "Preserving
//             order in a forest in less than logarithmic time", FOCS 1975, in the fixed-fan-out form (summaries of words).
// Picture:    blocks    [ used | used | free | used used | free ... ]      never read, never written
//             free      0 0 1 0 0 1 ...        begins   1 1 0 1 0 0 ...    in memory of their own
//             summary   a bit a word of the one below: some bit in it is set
// Complexity: one block: O(log64 blocks) to allocate, the first free by address. A run of n: O(n / 64) once found, O(blocks /
//             64) to find at worst. deallocate O(n / 64 + log64 blocks). Two bits a block and a 64th.
// Failure:    refuses when no aligned run of blocks of that length is free: available says just that. Where the memory
//             for the bits is refused, capacity() is 0 and so is every request.
// Threads:    one at a time.
// Invariants: bitmap.I1  a summary bit is set if and only if its word has a bit set
//             bitmap.I2  a begin bit stands at the first block of every live run and nowhere else
// Checked by: tests/strategy/bitmap_test.cpp
//
// For memory that must not hold the allocator's data: shared, read-only for this process, on a device, on another
// machine. A free of what is not a live run, or of another length, never changes anything, at any level of checks; from
// ASHLAR_CHECKS 1 on it breaks the contract.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/page.hpp"

namespace ashlar {

/// `Upstream` grants the memory for the bits, never that for the blocks.
template <allocator Upstream = page<>>
class bitmap {
public:
    /// @pre block_size != 0; nobody else uses the memory meanwhile
    bitmap(block memory, std::size_t block_size, ref<Upstream> upstream) noexcept
        : upstream_(upstream), block_size_(block_size) {
        ASHLAR_PRE(block_size != 0);
        const std::size_t natural = block_size & (0 - block_size);
        const std::size_t padding = padding_to(memory.data, natural < max_natural ? natural : max_natural);
        if (padding > memory.size || (memory.size - padding) / block_size == 0) return;
        base_ = memory.data + padding;
        blocks_ = (memory.size - padding) / block_size;
        build();
    }
    bitmap(block memory, std::size_t block_size) noexcept
        requires stateless<Upstream>
        : bitmap(memory, block_size, ref<Upstream>()) {}
    bitmap(const bitmap&) = delete;
    bitmap& operator=(const bitmap&) = delete;
    ~bitmap() {
        if (bits_ != nullptr) upstream_->deallocate(reinterpret_cast<std::byte*>(bits_), bits_layout());
    }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t i = find(l), n = run_of(l.size());
        if (i == none) return alloc_error{};
        set_used(i, n);
        begins_[i / 64] |= bit(i);
        return block{base_ + i * block_size_, n * block_size_};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        const bool live = is_live(p, l);
        ASHLAR_PRE(live);
        if (!live) return;
        const std::size_t i = number_of(p);
        begins_[i / 64] &= ~bit(i);  // bitmap.I2
        set_free(i, run_of(l.size()));
    }

    /// Takes the blocks behind the run, if they are free.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() >= old.size() && now.align() == old.align());
        const std::size_t i = number_of(p), had = run_of(old.size()), wanted = run_of(now.size());
        if (wanted > blocks_ - i || next_used(i + had, i + wanted) != i + wanted) return alloc_error{};
        set_used(i + had, wanted - had);
        return block{p, wanted * block_size_};
    }
    /// Gives back the blocks behind the new end.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() <= old.size() && now.align() == old.align() && now.size() != 0);
        const std::size_t i = number_of(p), had = run_of(old.size()), wanted = run_of(now.size());
        set_free(i + wanted, had - wanted);
        return block{p, wanted * block_size_};
    }
    /// Ends the life of every block.
    void reset() noexcept {
        if (blocks_ == 0) return;
        std::memset(begins_, 0, words_at(0) * sizeof(std::uint64_t));
        set_free(0, blocks_);
    }

    bool available(layout l) const noexcept { return find(l) != none; }
    bool owns(const std::byte* p) const noexcept { return p >= base_ && p < base_ + blocks_ * block_size_; }
    /// Whether p is the beginning of a live run of just the layout's length.
    bool is_live(const std::byte* p, layout l) const noexcept {
        if (!owns(p) || l.size() == 0 || !is_aligned(p, l.align())) return false;
        const std::size_t i = number_of(p), n = run_of(l.size());
        if (base_ + i * block_size_ != p || (begins_[i / 64] & bit(i)) == 0 || n > blocks_ - i) return false;
        return end_of(i) == i + n;
    }
    template <class Visit>
    void for_each_free(Visit visit) const {
        for (std::size_t i = next_free(0); i < blocks_;) {
            const std::size_t end = next_used(i, blocks_);
            visit(block{base_ + i * block_size_, (end - i) * block_size_});
            i = next_free(end);
        }
    }
    std::size_t capacity() const noexcept { return blocks_; }  ///< blocks in all
    std::size_t block_size() const noexcept { return block_size_; }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        for (std::size_t i = 0; i < blocks_; ++i) {
            if ((begins_[i / 64] & bit(i)) != 0 && is_free(i)) return false;                         // bitmap.I2
            if (!is_free(i) && (begins_[i / 64] & bit(i)) == 0 && (i == 0 || is_free(i - 1))) return false;
        }
        for (std::size_t level = 1; level < levels_; ++level) {
            for (std::size_t w = 0; w < words_at(level - 1); ++w) {
                if ((level_[level - 1][w] != 0) != ((level_[level][w / 64] & bit(w)) != 0)) return false;  // bitmap.I1
            }
        }
        return true;
    }

private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_levels = 11;  // 64^11 > 2^64
    static constexpr std::size_t max_natural = 65536;

    static constexpr std::uint64_t bit(std::size_t i) noexcept { return std::uint64_t{1} << i % 64; }
    /// Bits i to 63.
    static constexpr std::uint64_t from(std::size_t i) noexcept { return ~std::uint64_t{0} << i % 64; }
    std::size_t run_of(std::size_t size) const noexcept { return (size - 1) / block_size_ + 1; }
    std::size_t number_of(const std::byte* p) const noexcept { return static_cast<std::size_t>(p - base_) / block_size_; }
    bool is_free(std::size_t i) const noexcept { return (level_[0][i / 64] & bit(i)) != 0; }

    std::size_t words_at(std::size_t level) const noexcept {
        std::size_t words = (blocks_ + 63) / 64;
        while (level-- != 0) words = (words + 63) / 64;
        return words;
    }
    std::size_t all_words() const noexcept {
        std::size_t sum = words_at(0), level = 0;  // the begin bits
        do sum += words_at(level); while (words_at(level++) > 1);
        return sum;
    }
    layout bits_layout() const noexcept { return *layout::array<std::uint64_t>(all_words()); }
    void build() noexcept {
        const auto granted = upstream_->allocate(bits_layout());
        if (!granted) {
            blocks_ = 0;
            return;
        }
        bits_ = reinterpret_cast<std::uint64_t*>(granted->data);
        std::memset(bits_, 0, bits_layout().size());
        begins_ = bits_;
        level_[0] = begins_ + words_at(0);
        for (levels_ = 1; words_at(levels_ - 1) > 1; ++levels_) level_[levels_] = level_[levels_ - 1] + words_at(levels_ - 1);
        set_free(0, blocks_);
    }

    // ---- changing bits --------------------------------------------------------------------------------

    /// Calls change(word, mask) for each word of the blocks i to i + n.
    template <class Change>
    static void for_words(std::size_t i, std::size_t n, Change change) noexcept {
        for (const std::size_t end = i + n; i < end;) {
            const std::size_t last = (i / 64 + 1) * 64 < end ? (i / 64 + 1) * 64 : end;
            const std::uint64_t above = last % 64 == 0 ? 0 : from(last);
            change(i / 64, from(i) & ~above);
            i = last;
        }
    }
    void set_free(std::size_t i, std::size_t n) noexcept {
        for_words(i, n, [&](std::size_t w, std::uint64_t mask) {
            const bool had = level_[0][w] != 0;
            level_[0][w] |= mask;
            for (std::size_t level = 1; !had && level < levels_; ++level, w /= 64) level_[level][w / 64] |= bit(w);
        });
    }
    void set_used(std::size_t i, std::size_t n) noexcept {
        for_words(i, n, [&](std::size_t w, std::uint64_t mask) {
            level_[0][w] &= ~mask;
            for (std::size_t level = 1; level < levels_ && level_[level - 1][w] == 0; ++level, w /= 64) {
                level_[level][w / 64] &= ~bit(w);
            }
        });
    }

    // ---- looking for bits -----------------------------------------------------------------------------

    /// The first free block at or behind i; none where there is none.
    std::size_t next_free(std::size_t i) const noexcept {
        if (i >= blocks_) return none;
        std::size_t level = 0;
        std::uint64_t word = level_[0][i / 64] & from(i);
        while (word == 0) {  // up to a level that knows of a word further on
            i = i / 64 + 1;
            if (++level == levels_ || i >= words_at(level - 1)) return none;
            word = level_[level][i / 64] & from(i);
        }
        while (true) {  // and down to the first
            i = i / 64 * 64 + static_cast<std::size_t>(std::countr_zero(word));
            if (level == 0) return i;
            i *= 64;
            word = level_[--level][i / 64];
        }
    }
    /// The first block that is not free in [i, end); end where there is none.
    std::size_t next_used(std::size_t i, std::size_t end) const noexcept {
        for (; i < end; i = (i / 64 + 1) * 64) {
            const std::uint64_t used = ~level_[0][i / 64] & from(i);
            if (used == 0) continue;
            const std::size_t found = i / 64 * 64 + static_cast<std::size_t>(std::countr_zero(used));
            return found < end ? found : end;
        }
        return end;
    }
    /// The end of the live run that begins at i: before the next free block, the next beginning, or the end of all.
    std::size_t end_of(std::size_t i) const noexcept {
        for (std::size_t at = i + 1; at < blocks_; at = (at / 64 + 1) * 64) {
            const std::uint64_t stops = (level_[0][at / 64] | begins_[at / 64]) & from(at);
            if (stops != 0) return at / 64 * 64 + static_cast<std::size_t>(std::countr_zero(stops));
        }
        return blocks_;
    }
    /// The first run that serves the layout.
    std::size_t find(layout l) const noexcept {
        const std::size_t n = run_of(l.size());
        if (l.size() == 0 || n > blocks_) return none;
        for (std::size_t i = next_free(0); i != none && n <= blocks_ - i;) {
            while (i < blocks_ && !is_aligned(base_ + i * block_size_, l.align())) ++i;
            if (i >= blocks_ || n > blocks_ - i) return none;
            const std::size_t used = next_used(i, i + n);
            if (used == i + n) return i;
            i = next_free(used);
        }
        return none;
    }

    [[no_unique_address]] ref<Upstream> upstream_;
    std::byte* base_ = nullptr;
    std::size_t block_size_;
    std::size_t blocks_ = 0;
    std::size_t levels_ = 0;
    std::uint64_t* bits_ = nullptr;
    std::uint64_t* begins_ = nullptr;
    std::uint64_t* level_[max_levels]{};  // 0: a bit a block, set when it is free
};

}  // namespace ashlar
