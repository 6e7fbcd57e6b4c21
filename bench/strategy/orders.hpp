// bench/strategy/orders.hpp - in which order blocks are taken and given back.
//
// Source: the four orders of the benchmark of foonathan/memory (single, bulk, reversed, butterfly), and a mix of sizes
//         and lifetimes of our own. Each uses as many blocks as it is told, at most a batch, and returns what it did.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "../workloads/support.hpp"

namespace bench {

constexpr std::size_t batch = 10'000, times = 2;

// What one order did: operations, and the most bytes that were live at once.
struct work {
    std::size_t operations, live;
};

template <class Heap>
void* use(Heap& heap, std::size_t n) {
    void* p = heap.allocate(n);
    expect(p != nullptr, "a strategy refused a block");
    *static_cast<volatile unsigned char*>(p) = 1;
    return p;
}

// Every block is given back before the next is taken.
struct single {
    template <class Heap>
    work operator()(Heap& heap, std::size_t size, std::size_t blocks) const {
        for (std::size_t i = 0; i < blocks * times; ++i) heap.deallocate(use(heap, size), size);
        return {2 * blocks * times, size};
    }
};

// A batch is taken, then given back in the order that the permutation says.
struct batches {
    std::vector<std::size_t> order = std::vector<std::size_t>(batch);

    static batches forwards() {
        batches b;
        for (std::size_t i = 0; i < batch; ++i) b.order[i] = i;
        return b;
    }
    static batches reversed() {
        batches b = forwards();
        std::reverse(b.order.begin(), b.order.end());
        return b;
    }
    static batches butterfly() {
        batches b = forwards();
        dice choose(17);
        for (std::size_t i = batch; i-- > 1;) std::swap(b.order[i], b.order[choose.below(i + 1)]);
        return b;
    }
    template <class Heap>
    work operator()(Heap& heap, std::size_t size, std::size_t blocks) const {
        static void* held[batch];
        for (std::size_t round = 0; round < times; ++round) {
            for (std::size_t i = 0; i < blocks; ++i) held[i] = use(heap, size);
            for (const std::size_t i : order) {
                if (i < blocks) heap.deallocate(held[i], size);
            }
        }
        return {2 * blocks * times, size * blocks};
    }
};

// A few objects of one type are taken, and none is given back: all end at once, before the cache is full.
template <std::size_t Size>
struct objects {
    template <class Heap>
    work operator()(Heap& heap, std::size_t, std::size_t blocks) const {
        for (std::size_t round = 0; round < 100 * times; ++round) {
            for (std::size_t i = 0; i < blocks / 20; ++i) {
                void* p = object_in<Size>(heap.made());
                if (p == nullptr) expect(false, "a strategy refused an object");
                *static_cast<volatile unsigned char*>(p) = 1;
            }
            end_all(heap.made());
        }
        return {100 * (blocks / 20) * times, 0};
    }
};

// Sizes of 16 to 2048 bytes, small ones more often, in random slots: a full slot is emptied, an empty one is filled.
// The steps are drawn beforehand, so that all heaps do the same and only their own work is timed.
class mixed {
public:
    explicit mixed(std::size_t steps) {
        dice choose(23);
        std::vector<std::size_t> held(slots);
        std::size_t live = 0;
        for (std::size_t i = 0; i < steps; ++i) {
            const auto slot = static_cast<std::uint32_t>(choose.below(slots));
            const std::size_t size = held[slot] ? 0 : choose.halving(16, 2048);
            steps_.push_back({slot, static_cast<std::uint32_t>(size)});
            live = live + size - held[slot];
            held[slot] = size;
            most_ = std::max(most_, live);
        }
    }
    template <class Heap>
    work operator()(Heap& heap, std::size_t, std::size_t blocks) const {
        const std::size_t steps = std::min(steps_.size(), 4 * blocks);
        std::vector<std::pair<void*, std::size_t>> held(slots);
        for (std::size_t i = 0; i < steps; ++i) {
            const auto [slot, size] = steps_[i];
            auto& [p, old] = held[slot];
            if (size) p = use(heap, size);
            else heap.deallocate(p, old);
            old = size;
        }
        for (const auto& [p, size] : held) if (size) heap.deallocate(p, size);
        return {steps, most_};
    }

private:
    static constexpr std::size_t slots = 2000;
    struct step { std::uint32_t slot, size; };
    std::vector<step> steps_;
    std::size_t most_ = 0;
};

}  // namespace bench
