// ashlar/strategy/segregated_chunk.hpp - 64 KiB of upstream memory cut into blocks of one size class.
//
// Layer:      strategy
// Source:     Bonwick, "The slab allocator: an object-caching kernel memory allocator", USENIX Summer 1994 (what is
//             kept about the blocks stands at the end of the slab).
// Picture:    begin [ block 0 | block 1 | ... | block n - 1 | rest | live bits | header ] begin + 64 KiB
// Complexity: every function O(1), but for_each_free and consistent, which look at every block.
// Failure:    none; take has a block to give as a precondition.
// Threads:    one at a time.
// Invariants: segregated_chunk.I1  begin is a multiple of 64 KiB: the chunk of a block is found by a mask, and a block is
//                                  aligned to every power of two that divides the size of its class
//             segregated_chunk.I2  a block's live bit is set if and only if it is live
//             segregated_chunk.I3  the free list holds the carved blocks that are not live, each once
// Checked by: tests/strategy/segregated_chunk_test.cpp, tests/strategy/segregated_test.cpp
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include "ashlar/foundation/block.hpp"
#include "ashlar/foundation/intrusive_list.hpp"
#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/foundation/layout.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/size_class.hpp"

namespace ashlar {

/// The header. It stands at the end, so that the blocks begin at the chunk's alignment.
class segregated_chunk : public tree_links, public list_links {
public:
    static constexpr std::size_t bytes = 64 * 1024;
    struct by_address {
        static bool before(const segregated_chunk& a, const segregated_chunk& b) noexcept { return &a < &b; }
    };
    using tree = intrusive_tree<segregated_chunk, by_address>;

    /// What the upstream is asked for.
    static layout asked() noexcept { return *layout::make(bytes, bytes); }
    /// @pre size is a multiple of 16, not 0, and below 2^16
    static constexpr std::uint32_t inverse_of(std::uint32_t size) noexcept { return 0xffffffffu / (size / 16) + 1; }
    /// offset / size, for offset < 2^16: with units of 16, the error of the inverse is below unit / 2^32, times
    /// offset / 16 below 2^12 * 2^12 / 2^32. A size of 16 has the unit 1, whose inverse wraps to 0.
    static constexpr std::size_t quotient(std::size_t offset, std::uint32_t inverse) noexcept {
        return inverse == 0 ? offset / 16 : static_cast<std::size_t>(offset / 16 * std::uint64_t{inverse} >> 32);
    }
    static segregated_chunk& build(std::byte* begin, const void* owner, std::size_t index) noexcept {
        auto& made = *::new (begin + bytes - sizeof(segregated_chunk)) segregated_chunk(owner, index);
        for (std::size_t i = 0; i < words(made.blocks_); ++i) made.word(i) = 0;
        poison(begin, made.blocks_ * made.size_);
        return made;
    }
    /// @pre p lies in a chunk
    static segregated_chunk& of(std::byte* p) noexcept {
        std::byte* const begin = p - (reinterpret_cast<std::uintptr_t>(p) & (bytes - 1));
        return *reinterpret_cast<segregated_chunk*>(begin + bytes - sizeof(segregated_chunk));
    }

    std::byte* begin() const noexcept {
        return reinterpret_cast<std::byte*>(const_cast<segregated_chunk*>(this + 1)) - bytes;
    }
    std::byte* end() const noexcept { return begin() + bytes; }
    std::size_t index() const noexcept { return index_; }
    std::size_t blocks() const noexcept { return blocks_; }
    bool is_full() const noexcept { return live_ == blocks_; }
    bool is_idle() const noexcept { return live_ == 0; }
    /// Whose it is, also where no chunk is and a sanitizer forbids looking: for checks of what the caller claims.
    __attribute__((no_sanitize("address"))) const void* claimed_owner() const noexcept { return owner_; }
    /// Called before it is given back: what is left of it is nobody's.
    void disown() noexcept { owner_ = nullptr; }
    /// @pre p lies in the chunk
    bool is_live(const std::byte* p) const noexcept {
        const auto offset = static_cast<std::size_t>(p - begin());
        const std::size_t number = number_at(offset);
        return number * size_ == offset && number < blocks_ && (word(number / 64) >> number % 64 & 1) != 0;
    }

    /// The block freed last, or else the next one carved. @pre !is_full()
    std::byte* take() noexcept {
        std::byte* p = begin() + carved_ * size_;
        if (free_ != nullptr) {
            p = reinterpret_cast<std::byte*>(free_);
            free_ = free_->next;
        } else {
            ++carved_;
        }
        ++live_;
        flip(p);
        unpoison(p, size_);
        return p;
    }
    /// @pre is_live(p)
    void put(std::byte* p) noexcept {
        free_ = ::new (p) free_block{free_};
        --live_;
        flip(p);
        poison(p + sizeof(free_block), size_ - sizeof(free_block));
    }

    /// Every maximal range of blocks that are not live, in order of address.
    template <class Visit>
    void for_each_free(Visit& visit) const {
        for (std::size_t i = 0; i < blocks_;) {
            std::size_t last = i;
            while (last < blocks_ && (word(last / 64) >> last % 64 & 1) == 0) ++last;
            if (last != i) visit(block{begin() + i * size_, (last - i) * size_});
            i = last + 1;
        }
    }
    bool consistent() const noexcept {
        std::size_t listed = 0, set = 0;
        for (const free_block* at = free_; at != nullptr && listed <= blocks_; at = at->next, ++listed) {
            const auto offset = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(at) - begin());
            const std::size_t number = number_at(offset);
            if (number * size_ != offset || number >= carved_) return false;
            if ((word(number / 64) >> number % 64 & 1) != 0) return false;  // segregated_chunk.I2
        }
        for (std::size_t i = 0; i < words(blocks_); ++i) set += static_cast<std::size_t>(std::popcount(word(i)));
        return set == live_ && listed + live_ == carved_ && carved_ <= blocks_;  // segregated_chunk.I3
    }

private:
    struct free_block {
        free_block* next;
    };

    segregated_chunk(const void* owner, std::size_t index) noexcept
        : owner_(owner), index_(static_cast<std::uint32_t>(index)),
          size_(static_cast<std::uint32_t>(size_of_class(index))), blocks_(room_for(size_)),
          inverse_(inverse_of(size_)) {}

    static constexpr std::size_t words(std::size_t blocks) noexcept { return (blocks + 63) / 64; }
    static std::uint32_t room_for(std::size_t size) noexcept {
        const std::size_t room = bytes - sizeof(segregated_chunk);
        std::size_t n = room / size;
        while (n * size + words(n) * sizeof(std::uint64_t) > room) --n;
        return static_cast<std::uint32_t>(n);
    }
    std::size_t number_at(std::size_t offset) const noexcept { return quotient(offset, inverse_); }
    void flip(const std::byte* p) noexcept {
        const std::size_t number = number_at(static_cast<std::size_t>(p - begin()));
        word(number / 64) ^= std::uint64_t{1} << number % 64;
    }
    /// The words of the live bits lie in front of the header, the first one nearest.
    std::uint64_t& word(std::size_t i) noexcept { return *(reinterpret_cast<std::uint64_t*>(this) - 1 - i); }
    const std::uint64_t& word(std::size_t i) const noexcept {
        return *(reinterpret_cast<const std::uint64_t*>(this) - 1 - i);
    }

    const void* owner_;
    free_block* free_ = nullptr;
    std::uint32_t index_;   // the class
    std::uint32_t size_;    // of a block
    std::uint32_t blocks_;  // how many there are
    std::uint32_t inverse_;
    std::uint32_t carved_ = 0;
    std::uint32_t live_ = 0;
};

}  // namespace ashlar
