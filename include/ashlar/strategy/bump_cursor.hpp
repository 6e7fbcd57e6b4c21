// ashlar/strategy/bump_cursor.hpp - a cursor that moves through a range: what bump, arena and stack have in common.
//
// Layer:      strategy
// Source:     Hanson, "Fast allocation and deallocation of memory based on object lifetimes", Software:
//             Practice and Experience 20(1), 1990.
// Picture:    [ used | used | lead, word | aligned block | free free free ] end
//                                                        ^ at
// Complexity: every operation O(1). Sizes are rounded up to MinAlign; a block aligned to more has a lead: padding with
//             one word at its end.
// Failure:    refuses when lead and rounded size pass the end; then nothing has changed.
// Threads:    one at a time.
// Invariants: bump_cursor.I1  at <= end, both multiples of MinAlign
//             bump_cursor.I2  the word before a block that is aligned to more than MinAlign is the length of its lead
// Checked by: tests/strategy/bump_cursor_test.cpp
//
// The cursor is kept aligned, so that the common request has no padding to work out, nothing to write down for its
// return, and a size that the compiler rounds. What is rarer pays for itself: its lead says where the cursor stood, so
// that giving the last block back restores exactly what was free, however many are given back newest first.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/poison.hpp"

namespace ashlar {

template <std::size_t MinAlign>
class bump_cursor {
public:
    static_assert(is_power_of_two(MinAlign));

    /// No range: refuses everything.
    constexpr bump_cursor() noexcept = default;
    /// The range shrinks to multiples of MinAlign. @pre size < PTRDIFF_MAX
    explicit bump_cursor(block range) noexcept {
        const std::size_t skipped = padding_to(range.data, MinAlign);
        if (skipped > range.size) return;
        at_ = range.data + skipped;
        end_ = at_ + align_down(range.size - skipped, MinAlign);
    }

    /// What a block of that size takes, its lead apart.
    static constexpr std::size_t rounded(std::size_t size) noexcept { return align_up(size, MinAlign); }
    /// The bytes in front of a block of that alignment when the cursor stands at an address.
    template <ashlar::word W = std::size_t>
    static constexpr W lead(std::type_identity_t<W> at, std::type_identity_t<W> align) noexcept {
        return static_cast<bool>(align <= W(MinAlign)) ? W(0) : W(word) + padding_to(at + W(word), align);
    }

    result<block> take(layout l) noexcept {
        const std::size_t size = rounded(l.size());
        std::byte* p = at_;
        // Compared by subtraction: at + size may pass the end of the address space (bump_cursor.I1).
        if (l.align() <= MinAlign) [[likely]] {
            if (size > room()) [[unlikely]] return alloc_error{};
            unpoison(p, size);
        } else {
            const std::size_t before = lead(address(), l.align());
            if (p == nullptr || before > room() || size > room() - before) return alloc_error{};
            p += before;
            unpoison(p - word, word + size);
            std::memcpy(p - word, &before, word);  // bump_cursor.I2
            poison(p - word, word);
        }
        at_ = p + size;
        if (p == nullptr) __builtin_unreachable();  // there was room: the caller need not look again
        return block{p, size};
    }
    bool fits(layout l) const noexcept {
        const std::size_t before = lead(address(), l.align());
        return before <= room() && rounded(l.size()) <= room() - before;
    }

    /// Whether the block p ends where the cursor stands.
    bool is_last(const std::byte* p, layout l) const noexcept { return p + rounded(l.size()) == at_; }
    /// @pre p is the last block @returns where the cursor stood before it was granted
    std::byte* before(std::byte* p, layout l) const noexcept {
        if (l.align() <= MinAlign) [[likely]] return p;
        std::size_t length = 0;
        unpoison(p - word, word);
        std::memcpy(&length, p - word, word);
        poison(p - word, word);
        return p - length;
    }
    /// @pre p is the last block; now.size() >= old.size()
    result<block> grow(std::byte* p, layout old, layout now) noexcept {
        const std::size_t more = rounded(now.size()) - rounded(old.size());
        if (more > room()) return alloc_error{};
        unpoison(at_, more);
        at_ += more;
        return block{p, rounded(now.size())};
    }
    /// The last block gives way to another, which begins where it began, as far as the alignments agree.
    /// @pre p is the last block @returns a refusal where the other passes the end; then nothing has changed
    result<block> replace(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
        std::byte* const from = before(p, old);
        const std::size_t room_there = static_cast<std::size_t>(end_ - from), size = rounded(now.size());
        const std::size_t length = lead(reinterpret_cast<std::uintptr_t>(from), now.align());
        if (length > room_there || size > room_there - length) return alloc_error{};
        std::byte* const begin = from + length;
        unpoison(from, static_cast<std::size_t>(p - from));
        if (begin + size > at_) unpoison(at_, static_cast<std::size_t>(begin + size - at_));
        std::memmove(begin, p, live_bytes);  // first: the new lead may lie where the old bytes were
        if (length != 0) std::memcpy(begin - word, &length, word);  // bump_cursor.I2
        poison(from, length);
        if (begin + size < at_) poison(begin + size, static_cast<std::size_t>(at_ - begin) - size);
        at_ = begin + size;
        return block{begin, size};
    }
    /// Everything from p on is free again. @pre p is where the cursor stands or stood
    void rewind(std::byte* p) noexcept {
        poison(p, static_cast<std::size_t>(at_ - p));
        at_ = p;
    }

    std::byte* at() const noexcept { return at_; }
    std::byte* end() const noexcept { return end_; }
    std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - at_); }

private:
    static constexpr std::size_t word = sizeof(std::size_t);
    std::uintptr_t address() const noexcept { return reinterpret_cast<std::uintptr_t>(at_); }

    std::byte* at_ = nullptr;
    std::byte* end_ = nullptr;
};

}  // namespace ashlar
