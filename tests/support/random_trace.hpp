// Drives an allocator through a random trace and checks what any client can see: alignment, disjointness,
// contents that nobody else changes, refusals that `available` foretold.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <iterator>
#include <map>
#include <random>
#include <vector>

#include "ashlar/foundation/operations.hpp"

namespace support {

struct trace_shape {
    std::size_t steps = 2000;
    std::size_t largest = 2000;   ///< sizes are 1 to this, small ones more often
    std::size_t align_exponents = 8; ///< alignments are 2^0 to 2^this
    std::size_t free_percent = 45;
    bool resizes = true;
};

template <ashlar::allocator A>
class random_trace {
public:
    random_trace(A& allocator, unsigned seed, trace_shape shape = {}) : a_(allocator), random_(seed), shape_(shape) {}
    ~random_trace() { free_all(); }
    random_trace(const random_trace&) = delete;
    random_trace& operator=(const random_trace&) = delete;

    /// Calls after_step() after each step. @returns the number of refusals
    template <class After>
    std::size_t run(After after_step) {
        for (std::size_t i = 0; i < shape_.steps; ++i) {
            const std::size_t dice = pick(100);
            if (!live_.empty() && dice < shape_.free_percent) {
                free_one(pick(live_.size()));
            } else if (!live_.empty() && shape_.resizes && dice < shape_.free_percent + 10) {
                resize(pick(live_.size()));
            } else {
                allocate(any_layout());
            }
            after_step();
        }
        return refusals_;
    }
    std::size_t run() { return run([] {}); }
    void free_all() {
        while (!live_.empty()) free_one(pick(live_.size()));
    }
    std::size_t live() const { return live_.size(); }
    std::size_t live_bytes() const {
        std::size_t sum = 0;
        for (const auto& b : live_) sum += b.asked.size();
        return sum;
    }

private:
    struct owned {
        std::byte* p;
        ashlar::layout asked;
        std::size_t granted;
        std::byte fill;
    };

    std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
    ashlar::layout any_layout() {
        const std::size_t size = 1 + pick(pick(8) == 0 ? shape_.largest : 1 + shape_.largest / 8);
        const std::size_t align = std::size_t{1} << (pick(4) == 0 ? pick(shape_.align_exponents + 1) : pick(5));
        return *ashlar::layout::make(size, align);
    }
    void allocate(ashlar::layout l) {
        if constexpr (ashlar::forecasting<A>) {
            const bool expected = std::as_const(a_).available(l);
            const auto granted = a_.allocate(l);
            if (granted.has_value() != expected) FAIL("available said " << expected << " for " << l.size() << "/" << l.align());
            take(granted, l);
        } else {
            take(a_.allocate(l), l);
        }
    }
    void take(ashlar::result<ashlar::block> granted, ashlar::layout l) {
        if (!granted) {
            ++refusals_;
            return;
        }
        if (granted->size < l.size()) FAIL("granted " << granted->size << " for " << l.size());
        if (!ashlar::is_aligned(granted->data, l.align())) FAIL("misaligned for " << l.align());
        put(*granted, l);
    }
    void put(ashlar::block b, ashlar::layout l) {
        const auto behind = begins_.lower_bound(b.data);
        if (behind != begins_.end() && behind->first < b.end()) FAIL("overlaps the next live block");
        if (behind != begins_.begin() && std::prev(behind)->second > b.data) FAIL("overlaps the one before");
        begins_.emplace(b.data, b.end());
        const auto fill = static_cast<std::byte>(1 + pick(255));
        std::memset(b.data, static_cast<int>(fill), b.size);
        live_.push_back({b.data, l, b.size, fill});
    }
    void check_contents(const owned& b, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            if (b.p[i] != b.fill) FAIL("byte " << i << " of a live block was changed");
        }
    }
    owned drop(std::size_t which) {
        const owned b = live_[which];
        live_[which] = live_.back();
        live_.pop_back();
        begins_.erase(b.p);
        return b;
    }
    void free_one(std::size_t which) {
        const owned b = drop(which);
        check_contents(b, b.granted);
        // Any layout between what was asked and what was granted fits.
        const std::size_t size = b.asked.size() + pick(b.granted - b.asked.size() + 1);
        a_.deallocate(b.p, *ashlar::layout::make(size, b.asked.align()));
    }
    void resize(std::size_t which) {
        const owned b = drop(which);
        const auto now = *ashlar::layout::make(1 + pick(shape_.largest), b.asked.align());
        const std::size_t kept = std::min(b.asked.size(), now.size());
        const auto granted = ashlar::reallocate(a_, b.p, b.asked, now, kept);
        if (!granted) {
            ++refusals_;
            check_contents(b, b.granted);
            begins_.emplace(b.p, b.p + b.granted);
            live_.push_back(b);
            return;
        }
        owned moved = b;
        moved.p = granted->data;
        check_contents(moved, kept);
        if (granted->size < now.size() || !ashlar::is_aligned(granted->data, now.align())) FAIL("bad resize");
        put(*granted, now);
    }

    A& a_;
    std::mt19937 random_;
    trace_shape shape_;
    std::vector<owned> live_;
    std::map<std::byte*, std::byte*> begins_;
    std::size_t refusals_ = 0;
};

/// The free ranges, in the order they are visited.
template <ashlar::walkable A>
std::vector<ashlar::block> free_ranges(const A& a) {
    std::vector<ashlar::block> ranges;
    a.for_each_free([&](ashlar::block b) { ranges.push_back(b); });
    return ranges;
}

}  // namespace support
