// ashlar/compose/bucketize.hpp - an allocator of its own for every step of sizes.
//
// Layer:      compose
// Source:     Alexandrescu's Bucketizer (D, std.experimental.allocator).
// Picture:    bucketize<1, 64, 16, pool>:   1..16 | 17..32 | 33..48 | 49..64
// Complexity: a division by a constant; nothing is stored with a block.
// Failure:    refuses sizes outside [Min, Max], and what the bucket refuses.
// Threads:    as the allocator of the buckets.
// Invariants: bucketize.I1  a bucket's allocator is asked for one size only: the largest of its step
// Checked by: tests/compose/bucketize_test.cpp
//
// Every size of a step is served by a block of the step's largest, so that an allocator of equal blocks can be a bucket,
// and a block is always as long as its bucket: any layout that fits it leads back there. Not walkable: a free range
// serves sizes of its step only. For sizes outside, put compose/segregate.hpp or compose/fallback.hpp around.
#pragma once

#include <cstring>
#include <utility>

#include "ashlar/foundation/operations.hpp"

namespace ashlar {

/// Sizes from Min to Max in steps of Step, the last one whole.
template <std::size_t Min, std::size_t Max, std::size_t Step, allocator A>
class bucketize {
    static_assert(Min > 0 && Step > 0 && Max >= Min && (Max - Min + 1) % Step == 0,
                  "bucketize needs 0 < Min <= Max, and whole steps between them");

public:
    static constexpr std::size_t bucket_count = (Max - Min + 1) / Step;
    static constexpr bool is_thread_safe = thread_safe<A>;
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    /// make(size) returns the allocator of a bucket, all of whose blocks have that size.
    template <class Make>
        requires std::is_invocable_r_v<A, Make&, std::size_t>
    explicit bucketize(Make make) : bucketize(make, std::make_index_sequence<bucket_count>()) {}
    bucketize(const bucketize&) = delete;
    bucketize& operator=(const bucketize&) = delete;

    result<block> allocate(layout l) noexcept {
        const auto as = whole(l);
        return as ? sized(bucket(l).allocate(*as), l) : alloc_error{};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(serves(l.size()));
        bucket(l).deallocate(p, *whole(l));
    }
    /// Within its step a block has room already; beyond, it is another bucket's.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        return within_step(p, old, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        return within_step(p, old, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        if (serves(now.size()) && now.align() == old.align()) {
            const auto stayed = within_step(p, old, now);
            if (stayed) return stayed;
        }
        const auto moved = allocate(now);
        if (!moved) return moved;
        std::memcpy(moved->data, p, live_bytes);
        deallocate(p, old);
        return moved;
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        const auto as = whole(l);
        return as ? sized(bucket(l).allocate_zeroed(*as), l) : alloc_error{};
    }
    void reset() noexcept
        requires resettable<A>
    {
        for (slot& s : slots_) s.a.reset();
    }
    void trim() noexcept
        requires trimmable<A>
    {
        for (slot& s : slots_) s.a.trim();
    }
    bool available(layout l) const noexcept
        requires forecasting<A>
    {
        const auto as = whole(l);
        return as && slots_[index(l.size())].a.available(*as);
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        for (const slot& s : slots_) {
            if (s.a.owns(p)) return true;
        }
        return false;
    }

    static constexpr bool serves(std::size_t size) noexcept { return size >= Min && size <= Max; }
    /// The size of the blocks of the bucket that serves a size. @pre serves(size)
    static constexpr std::size_t size_of_bucket(std::size_t size) noexcept {
        return Min - 1 + (index(size) + 1) * Step;
    }

private:
    struct slot {
        template <class Make>
        slot(Make& make, std::size_t size) : a(make(size)) {}
        A a;
    };

    template <class Make, std::size_t... I>
    bucketize(Make& make, std::index_sequence<I...>) : slots_{slot(make, Min - 1 + (I + 1) * Step)...} {}

    static constexpr std::size_t index(std::size_t size) noexcept { return (size - Min) / Step; }
    static constexpr result<layout> whole(layout l) noexcept {
        if (!serves(l.size())) return alloc_error{};
        return l.resized(size_of_bucket(l.size()));  // bucketize.I1
    }
    A& bucket(layout l) noexcept { return slots_[index(l.size())].a; }
    static result<block> sized(result<block> r, layout l) noexcept {
        if (!r) return r;
        return block{r->data, size_of_bucket(l.size())};
    }
    static result<block> within_step(std::byte* p, layout old, layout now) noexcept {
        if (!serves(now.size()) || index(old.size()) != index(now.size())) return alloc_error{};
        return block{p, size_of_bucket(now.size())};
    }

    slot slots_[bucket_count];
};

}  // namespace ashlar
