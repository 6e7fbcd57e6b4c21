// ashlar/observe/page_ledger.hpp - which pages and lines the blocks of a heap lie in, kept while they come and go.
//
// Layer:      observe
// Source:     Knuth, The Art of Computer Programming 3, 6.4: linear probing.
// Picture:    page number -> live bytes in it | one bit for each of its 64 lines that a block ever lay in
// Complexity: add, remove: O(pages of the block), expected. 24 bytes, times 1.5 to 3, for each page ever used.
// Failure:    add returns false where there is no memory; figures are then too low, and full() tells.
// Threads:    one at a time.
// Invariants: page_ledger.I1  held_pages() is the number of pages with live bytes
// Checked by: tests/observe/page_ledger_test.cpp
//
// Its memory comes from the operating system: it watches a malloc from inside that malloc's own process.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "ashlar/foundation/contract.hpp"
#include "ashlar/os/platform.hpp"

namespace ashlar {

class page_ledger {
public:
    static constexpr std::uint64_t page_bytes = 4096;
    static constexpr std::uint64_t line_bytes = 64;

    page_ledger() noexcept = default;
    page_ledger(const page_ledger&) = delete;
    page_ledger& operator=(const page_ledger&) = delete;
    ~page_ledger() { give_back(); }

    /// The block [address, address + size) is live from now on.
    bool add(std::uint64_t address, std::uint64_t size) noexcept {
        return each_page(address, size, [this](std::uint64_t number, std::uint64_t from, std::uint64_t to) {
            entry* page = at(number);
            if (page == nullptr) return false;
            if (page->live == 0) ++held_;
            page->live += to - from;
            const std::uint64_t lines = mask(from / line_bytes, (to - 1) / line_bytes);
            lines_ += static_cast<std::uint64_t>(std::popcount(lines & ~page->lines));
            page->lines |= lines;
            return true;
        });
    }
    /// @pre the block was added, and since then not removed
    void remove(std::uint64_t address, std::uint64_t size) noexcept {
        each_page(address, size, [this](std::uint64_t number, std::uint64_t from, std::uint64_t to) {
            entry* page = at(number);
            if (page == nullptr || page->live < to - from) return true;  // after a refused add
            page->live -= to - from;
            if (page->live == 0) --held_;  // page_ledger.I1
            return true;
        });
    }

    std::uint64_t held_pages() const noexcept { return held_; }
    std::uint64_t pages_ever() const noexcept { return used_; }
    std::uint64_t lines_ever() const noexcept { return lines_; }
    /// Memory ran out once.
    bool full() const noexcept { return full_; }

    /// Calls visit(page number, live bytes) for every page ever used, in no order.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::uint64_t i = 0; i < capacity_; ++i) {
            if (slots_[i].number != 0) visit(slots_[i].number - 1, slots_[i].live);
        }
    }

private:
    struct entry {
        std::uint64_t number = 0;  ///< of the page, plus one; 0 for an empty slot
        std::uint64_t live = 0;    ///< bytes
        std::uint64_t lines = 0;
    };
    static constexpr std::uint64_t mask(std::uint64_t first, std::uint64_t last) noexcept {
        return (~std::uint64_t{0} >> (63 - (last - first))) << first;
    }

    template <class Visit>
    static bool each_page(std::uint64_t address, std::uint64_t size, Visit visit) noexcept {
        for (std::uint64_t done = 0; done < size;) {
            const std::uint64_t from = (address + done) % page_bytes;
            const std::uint64_t part = size - done < page_bytes - from ? size - done : page_bytes - from;
            if (!visit((address + done) / page_bytes, from, from + part)) return false;
            done += part;
        }
        return true;
    }

    std::uint64_t home(std::uint64_t key) const noexcept { return (key * 0x9e3779b97f4a7c15u) >> 20 & (capacity_ - 1); }
    /// The entry of the page, made if there is none; null where there is no memory for it.
    entry* at(std::uint64_t number) noexcept {
        if (3 * (used_ + 1) > 2 * capacity_ && !grow()) return nullptr;
        return place(number + 1);
    }
    entry* place(std::uint64_t key) noexcept {
        std::uint64_t i = home(key);
        for (; slots_[i].number != key; i = (i + 1) & (capacity_ - 1)) {
            if (slots_[i].number != 0) continue;
            slots_[i].number = key;
            ++used_;
            break;
        }
        return &slots_[i];
    }
    bool grow() noexcept {
        const std::uint64_t wanted = capacity_ == 0 ? 1 << 14 : 2 * capacity_;
        const auto room = os::reserve(wanted * sizeof(entry), os::page_size());
        if (!room || !os::commit(room->data, room->size)) {
            full_ = true;
            return false;
        }
        entry* const old = std::exchange(slots_, reinterpret_cast<entry*>(room->data));  // pages of zeros: all empty
        const std::uint64_t old_capacity = std::exchange(capacity_, wanted);
        const auto old_room = std::exchange(room_, *room);
        used_ = 0;
        for (std::uint64_t i = 0; i < old_capacity; ++i) {
            if (old[i].number != 0) *place(old[i].number) = old[i];
        }
        if (old != nullptr) os::release(old_room.data, old_room.size);
        return true;
    }
    void give_back() noexcept {
        if (slots_ != nullptr) os::release(room_.data, room_.size);
    }

    entry* slots_ = nullptr;
    block room_{nullptr, 0};
    std::uint64_t capacity_ = 0;  ///< a power of two, or 0
    std::uint64_t used_ = 0;
    std::uint64_t held_ = 0;
    std::uint64_t lines_ = 0;
    bool full_ = false;
};

}  // namespace ashlar
