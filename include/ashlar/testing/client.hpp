// ashlar/testing/client.hpp - the shadow of a client: what it holds, and what every byte of it should be.
//
// Layer:      testing
// Complexity: long blocks are compared at both ends and every 64 bytes until they are given back.
// Failure:    tells the first byte that is not as it was written.
// Threads:    one at a time.
// Invariants: client.I1  every byte of a held block was written by the client, with a pattern of its own
// Checked by: tests/testing/client_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ashlar/foundation/block.hpp"
#include "ashlar/foundation/layout.hpp"

namespace ashlar::testing {

/// A block in the client's hands.
struct held_block {
    std::size_t number;  ///< the how-manieth grant it was
    std::byte* data;
    std::size_t granted;
    layout asked;

    std::byte expected(std::size_t i) const {
        return static_cast<std::byte>(number * 37 + 11 + i * 7 + (i >> 8) * 13);
    }
    void fill(std::size_t from = 0) const {
        for (std::size_t i = from; i < granted; ++i) data[i] = expected(i);
    }
    /// The first of the bytes [0, n) that is not as written. A stride of 1 looks at every byte.
    std::optional<std::size_t> damaged(std::size_t n, std::size_t stride = 1) const {
        for (std::size_t i = 0; i < n; i += (stride > 1 && i >= 256 && i + 256 < n) ? stride : 1) {
            if (data[i] != expected(i)) return i;
        }
        return std::nullopt;
    }
};

class client {
public:
    static constexpr std::size_t most_blocks = 64;

    held_block& hold(block granted, layout asked) {
        blocks_.push_back({++numbers_, granted.data, granted.size, asked});
        blocks_.back().fill();
        return blocks_.back();
    }
    void drop(std::size_t index) { blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(index)); }
    void drop_all() { blocks_.clear(); }

    std::vector<held_block>& blocks() { return blocks_; }
    const std::vector<held_block>& blocks() const { return blocks_; }
    bool full() const { return blocks_.size() >= most_blocks; }

    /// Looks at every block but `except`. @returns what was damaged, if anything
    std::optional<std::string> damage(const std::byte* except = nullptr) const {
        for (const held_block& b : blocks_) {
            if (b.data == except) continue;
            if (const auto at = b.damaged(b.granted, 64)) {
                return "byte " + std::to_string(*at) + " of live block #" + std::to_string(b.number) + " (" +
                       std::to_string(b.granted) + " bytes) was changed";
            }
        }
        return std::nullopt;
    }

private:
    std::vector<held_block> blocks_;
    std::size_t numbers_ = 0;
};

}  // namespace ashlar::testing
