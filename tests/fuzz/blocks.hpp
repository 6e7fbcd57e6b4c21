// tests/fuzz/blocks.hpp - the live blocks of a heap as its client knows them: where they lie, what was asked, and every byte of theirs.
#pragma once

#include <cstring>
#include <map>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/testing/ground.hpp"
#include "bytes.hpp"

namespace fuzz {

class live_blocks {
public:
    struct one {
        ashlar::layout asked;
        std::size_t size;  ///< granted
        std::uint8_t fill;
    };
    using map = std::map<std::byte*, one>;

    /// A grant: aligned, long enough, disjoint from every other block.
    void add(ashlar::block b, ashlar::layout l) {
        REQUIRE(b.size >= l.size());
        REQUIRE(ashlar::is_aligned(b.data, l.align()));
        const auto behind = all_.lower_bound(b.data);
        REQUIRE(behind == all_.end() || b.end() <= behind->first);
        REQUIRE(behind == all_.begin() || std::prev(behind)->first + std::prev(behind)->second.size <= b.data);
        fills_ = static_cast<std::uint8_t>(fills_ + 1);
        std::memset(b.data, fills_, b.size);
        all_.insert({b.data, {l, b.size, fills_}});
    }
    /// Ends a block whose first bytes must be as they were written.
    one remove(map::iterator at, std::size_t kept) {
        const one was = at->second;
        REQUIRE(kept == 0 || at->first[0] == std::byte{was.fill});
        REQUIRE(kept < 2 || std::memcmp(at->first, at->first + 1, kept - 1) == 0);
        all_.erase(at);
        return was;
    }
    one remove(map::iterator at) { return remove(at, at->second.size); }
    /// @pre not empty
    map::iterator any(bytes& b) { return std::next(all_.begin(), static_cast<std::ptrdiff_t>(b.below(all_.size()))); }
    const map& all() const { return all_; }
    map& all() { return all_; }
    ashlar::testing::interval_set extents() const {
        ashlar::testing::interval_set set;
        for (const auto& [p, b] : all_) set.insert(ashlar::testing::range_of(p, b.size));
        return set;
    }

private:
    map all_;
    std::uint8_t fills_ = 0;
};

/// Sizes that crowd around powers of two and stay below 64 KiB, rarely absurd; alignments to 4 KiB.
inline ashlar::layout any_layout(bytes& b) {
    const std::size_t way = b.next(), power = std::size_t{1} << way % 13, more = b.next();
    const std::size_t size = way < 128 ? 1 + more : way < 250 ? power + more % 33 : way < 254 ? 20'000 + more * 128 : ashlar::layout::max_size - 5000;
    const std::size_t align = std::size_t{1} << (b.one_in(4) ? b.below(13) : b.below(5));
    return *ashlar::layout::make(size > 16 && way >= 128 && way < 250 ? size - 16 : size, align);
}

}  // namespace fuzz
