// ashlar/compose/block_table.hpp - the live blocks by their address, outside the memory that they describe.
//
// Layer:      compose
// Source:     Knuth, "The Art of Computer Programming", vol. 3, 6.4, algorithm R (open addressing, removal by moving up).
// Complexity: O(1) expected; at most half full.
// Failure:    make_room refuses; insert after it never does.
// Threads:    one at a time.
// Invariants: block_table.I1  no empty place lies between an entry and the place its address hashes to
// Checked by: tests/compose/block_table_test.cpp
//
// The table stands on std::calloc, not on the allocator it describes: books kept in the memory they describe are
// lost with it, and would show in what a test observes of it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <utility>

#include "ashlar/foundation/block.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/layout.hpp"

namespace ashlar {

class block_table {
public:
    struct entry {
        std::byte* data;
        std::size_t granted;
        layout asked;
        std::uint64_t note = 0;  ///< whatever the owner of the table wants to remember of the block
    };

    block_table() = default;
    block_table(const block_table&) = delete;
    block_table& operator=(const block_table&) = delete;
    ~block_table() { std::free(places_); }

    /// Makes sure that one more entry has a place. @returns false if memory ran out; nothing changed
    bool make_room() noexcept {
        if (2 * (size_ + 1) <= capacity_) return true;
        const std::size_t wider = capacity_ == 0 ? 16 : 2 * capacity_;
        auto* places = static_cast<entry*>(std::calloc(wider, sizeof(entry)));
        if (places == nullptr) return false;
        entry* old = std::exchange(places_, places);
        const std::size_t old_capacity = std::exchange(capacity_, wider);
        for (std::size_t i = 0; i < old_capacity; ++i) {
            if (old[i].data != nullptr) places_[vacant(old[i].data)] = old[i];
        }
        std::free(old);
        return true;
    }
    /// @pre make_room() was true since the last insertion; e.data is not null and not in the table
    void insert(const entry& e) noexcept {
        ASHLAR_PRE(2 * (size_ + 1) <= capacity_ && find(e.data) == nullptr);
        places_[vacant(e.data)] = e;
        ++size_;
    }
    /// @returns the entry of the block that starts at p, or null
    const entry* find(const std::byte* p) const noexcept {
        if (p == nullptr || size_ == 0) return nullptr;
        for (std::size_t i = home(p); places_[i].data != nullptr; i = after(i)) {
            if (places_[i].data == p) return &places_[i];
        }
        return nullptr;
    }
    /// @pre find(p) is not null
    void remove(const std::byte* p) noexcept {
        ASHLAR_PRE(find(p) != nullptr);
        auto hole = static_cast<std::size_t>(find(p) - places_);
        // An entry beyond the hole moves into it unless its home lies between the two (block_table.I1).
        for (std::size_t i = after(hole); places_[i].data != nullptr; i = after(i)) {
            const std::size_t from_home = (i - home(places_[i].data)) & (capacity_ - 1);
            if (from_home < ((i - hole) & (capacity_ - 1))) continue;
            places_[hole] = places_[i];
            hole = i;
        }
        places_[hole].data = nullptr;
        --size_;
    }
    void clear() noexcept {
        for (std::size_t i = 0; i < capacity_; ++i) places_[i].data = nullptr;
        size_ = 0;
    }
    std::size_t size() const noexcept { return size_; }

    template <class Visit>
    void for_each(Visit visit) const {
        for (std::size_t i = 0; i < capacity_; ++i) {
            if (places_[i].data != nullptr) visit(places_[i]);
        }
    }

private:
    std::size_t home(const std::byte* p) const noexcept {
        const auto mixed = (reinterpret_cast<std::uintptr_t>(p) >> 3) * UINT64_C(0x9e3779b97f4a7c15);
        return static_cast<std::size_t>(mixed >> 32) & (capacity_ - 1);
    }
    std::size_t after(std::size_t i) const noexcept { return (i + 1) & (capacity_ - 1); }
    std::size_t vacant(const std::byte* p) const noexcept {
        std::size_t i = home(p);
        while (places_[i].data != nullptr) i = after(i);
        return i;
    }

    entry* places_ = nullptr;
    std::size_t capacity_ = 0;  // zero or a power of two
    std::size_t size_ = 0;
};

}  // namespace ashlar
