// A fit heap that looks at one free range after the other: which address first fit and next fit must choose.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/free_list.hpp"

namespace support {

class naive_fit {
public:
    static constexpr std::size_t least = 48;  // what can stand as a free block under these policies

    /// Roving: the search goes on from the range that was cut last, then round.
    naive_fit(ashlar::block room, bool roving) : free_{{room.data, room.size}}, roving_(roving) {}

    /// @returns null where nothing fits
    ashlar::block allocate(ashlar::layout l) {
        const std::size_t need = std::max(ashlar::align_up(l.size(), std::size_t{16}), least);
        for (const bool round : {false, true}) {
            for (auto at = round ? free_.begin() : free_.lower_bound(rover_); at != free_.end(); ++at) {
                const auto [begin, size] = *at;
                std::size_t gap = ashlar::padding_to(begin, std::max(l.align(), std::size_t{16}));
                if (gap != 0 && gap < least) gap += l.align();
                if (gap > size || need > size - gap) continue;
                const std::size_t rest = size - gap - need;
                free_.erase(at);
                if (gap != 0) free_[begin] = gap;
                if (rest >= least) free_[begin + gap + need] = rest;
                if (roving_) rover_ = begin;
                return {begin + gap, rest >= least ? need : need + rest};
            }
        }
        return {nullptr, 0};
    }
    void deallocate(std::byte* p, std::size_t size) {
        auto at = free_.insert_or_assign(p, size).first;
        if (const auto behind = std::next(at); behind != free_.end() && behind->first == p + size) {
            at->second += behind->second;
            free_.erase(behind);
        }
        if (at == free_.begin()) return;
        if (const auto before = std::prev(at); before->first + before->second == p) {
            before->second += at->second;
            free_.erase(at);
        }
    }
    std::size_t ranges() const { return free_.size(); }

private:
    std::map<std::byte*, std::size_t> free_;
    bool roving_;
    std::byte* rover_ = nullptr;
};

/// free_list<Fit> on one region against the naive heap: the same address for every request of a random trace.
template <class Fit>
void compare_with_naive(bool roving) {
    alignas(64) static std::byte room[3 << 15];
    for (unsigned seed = 0; seed < 4; ++seed) {
        ashlar::bump buffer({room, sizeof room});
        ashlar::free_list<Fit, ashlar::bump> heap(buffer, sizeof room);
        heap.deallocate(heap.allocate(*ashlar::layout::make(16, 1))->data, *ashlar::layout::make(16, 1));  // the region
        ashlar::block whole;
        heap.for_each_free([&](ashlar::block b) { whole = b; });
        naive_fit naive(whole, roving);
        std::mt19937 random(seed);
        struct held {
            ashlar::block b;
            ashlar::layout l;
        };
        std::vector<held> live;
        std::size_t refused = 0, most_ranges = 0;
        for (int step = 0; step < 8000; ++step) {
            const bool takes = live.size() < 40 || random() % 100 < (step / 500 % 2 == 0 ? 70u : 35u);
            if (takes) {
                const std::size_t align = random() % 8 == 0 ? 256 : 16, size = 16 + random() % (random() % 8 == 0 ? 3000 : 200);
                const auto l = *ashlar::layout::make(size, align);
                const ashlar::block expected = naive.allocate(l);
                const auto granted = heap.allocate(l);
                REQUIRE((granted ? granted->data : nullptr) == expected.data);
                if (granted) live.push_back({expected, l});
                refused += !granted;
            } else {
                std::swap(live[random() % live.size()], live.back());
                heap.deallocate(live.back().b.data, live.back().l);
                naive.deallocate(live.back().b.data, live.back().b.size);
                live.pop_back();
            }
            most_ranges = std::max(most_ranges, naive.ranges());
            if (step % 500 == 0) REQUIRE(heap.consistent());
        }
        CHECK(most_ranges > 100);
        CHECK(refused > 0);
        REQUIRE(heap.consistent());
    }
}

}  // namespace support
