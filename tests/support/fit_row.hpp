// A row of free blocks with used ones between them, to ask a policy of free_list which it would take.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "ashlar/strategy/free_block.hpp"

namespace support {

template <class Fit>
class fit_row {
public:
    using node = typename Fit::node;

    /// @pre sizes are multiples of 16, at least 48
    explicit fit_row(std::vector<std::size_t> sizes) : room_(new(std::align_val_t{4096}) std::byte[bytes(sizes)]) {
        std::byte* at = room_.get() + 16;
        for (const std::size_t size : sizes) {
            blocks_.push_back(::new (at) node(size));
            fit_.insert(*blocks_.back(), size);
            at += size + 16;
        }
    }
    ashlar::fit_request request(std::size_t need, std::size_t align = 16) const { return {need, align, 48}; }
    /// Which block the policy finds; -1 for none.
    int taken(std::size_t need, std::size_t align = 16) const { return index(fit_.find(request(need, align))); }
    /// The same, and the block is used from then on.
    int take(std::size_t need) {
        node* const found = fit_.find(request(need));
        if (found == nullptr) return -1;
        fit_.taken(*found);
        fit_.erase(*found, found->size());
        return index(found);
    }
    void give(std::size_t which) { fit_.insert(*blocks_[which], blocks_[which]->size()); }
    const Fit& fit() const { return fit_; }
    const std::vector<node*>& blocks() const { return blocks_; }

private:
    struct release {
        void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{4096}); }
    };
    static std::size_t bytes(const std::vector<std::size_t>& sizes) {
        std::size_t sum = 32;
        for (const std::size_t size : sizes) sum += size + 16;
        return sum;
    }
    int index(const node* sought) const {
        for (std::size_t i = 0; i < blocks_.size(); ++i) {
            if (blocks_[i] == sought) return static_cast<int>(i);
        }
        return -1;
    }

    std::unique_ptr<std::byte[], release> room_;
    std::vector<node*> blocks_;
    Fit fit_;
};

/// The policy's choice against `choose(all blocks that fit, in order of address)`.
template <class Fit, class Choose>
void compare_with_scan(Choose choose) {
    std::mt19937 random(1);
    for (int round = 0; round < 50; ++round) {
        std::vector<std::size_t> sizes(1 + random() % 60);
        for (auto& size : sizes) size = 48 + 16 * (random() % 40);
        const fit_row<Fit> row(sizes);
        REQUIRE(row.fit().consistent());
        for (std::size_t need = 48; need < 800; need += 16) {
            for (std::size_t align = 16; align <= 1024; align *= 4) {
                std::vector<typename Fit::node*> fitting;
                for (auto* b : row.blocks()) {
                    if (row.request(need, align).fits(*b)) fitting.push_back(b);
                }
                const auto* expected = fitting.empty() ? nullptr : choose(fitting);
                REQUIRE(row.fit().find(row.request(need, align)) == expected);
            }
        }
    }
}

}  // namespace support
