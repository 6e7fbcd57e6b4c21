// ashlar/compose/cached.hpp - keep freed blocks for the next request of their size.
//
// Layer:      compose
// Source:     D's std.experimental.allocator keeps freed blocks so; here by size class.
// Picture:    client <-> [ 16: b b | 32: | 48: b ... ] <-> upstream
// Complexity: O(1) where a block is kept; else the upstream's operation.
// Failure:    where the upstream refuses, what is kept goes back and it is asked once more; then refuses.
// Threads:    one at a time; compose/thread_cached.hpp keeps blocks for each thread.
// Invariants: cached.I1  the upstream knows a block by asked(l), and any layout that fits the block leads to the same
// Checked by: tests/compose/cached_test.cpp
//
// Small requests are rounded up to their size class, so the upstream sees few sizes. What is kept is not known to the
// upstream as free: neither `available` nor a walk of the free ranges would be true, so neither is forwarded.
#pragma once

#include <cstring>

#include "ashlar/compose/block_cache.hpp"
#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// Keeps up to Depth blocks of each size class up to Largest bytes; larger or more aligned blocks pass through.
template <allocator A, std::size_t Depth = 32, std::size_t Largest = 1024>
class cached {
    using cache = block_cache<Depth, Largest>;

public:
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    explicit cached(ref<A> upstream) noexcept : upstream_(upstream) {}
    cached() noexcept
        requires stateless<A>
    {}
    cached(const cached&) = delete;
    cached& operator=(const cached&) = delete;
    ~cached() { trim(); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (std::byte* const p = kept(l)) return block{p, cache::asked(l).size()};
        return asked_again(l, [&](layout as) noexcept { return upstream_->allocate(as); });
    }
    void deallocate(std::byte* p, layout l) noexcept {
        if (cache::keeps(l) && kept_.put(p, l)) return;
        upstream_->deallocate(p, cache::asked(l));  // cached.I1
    }
    /// Within its class a block has room already; beyond, it is the upstream's to grow.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        const layout from = cache::asked(old), to = cache::asked(now);
        if (from == to) return block{p, to.size()};
        if (from.align() != to.align()) return alloc_error{};
        return within(upstream_->grow_in_place(p, from, to), now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        const layout from = cache::asked(old), to = cache::asked(now);
        if (from == to) return block{p, to.size()};
        if (from.align() != to.align()) return alloc_error{};
        return within(upstream_->shrink_in_place(p, from, to), now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        return asked_again(now, [&](layout as) noexcept {
            return upstream_->reallocate(p, cache::asked(old), as, live_bytes);
        });
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        ASHLAR_PRE(l.size() != 0);
        if (std::byte* const p = kept(l)) {
            std::memset(p, 0, l.size());
            return block{p, cache::asked(l).size()};
        }
        return asked_again(l, [&](layout as) noexcept { return upstream_->allocate_zeroed(as); });
    }
    void reset() noexcept
        requires resettable<A>
    {
        kept_.forget();
        upstream_->reset();
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        return upstream_->owns(p);
    }

    /// Gives what is kept back to the upstream.
    void trim() noexcept {
        kept_.flush([&](std::byte* p, layout l) { upstream_->deallocate(p, l); });
    }

private:
    std::byte* kept(layout l) noexcept { return cache::keeps(l) ? kept_.take(l) : nullptr; }

    template <class Ask>
    result<block> asked_again(layout l, Ask ask) noexcept {
        const auto first = within(ask(cache::asked(l)), l);
        if (first || kept_.empty()) return first;
        trim();
        return within(ask(cache::asked(l)), l);
    }
    // No block of a class is granted longer than the class, or its size on return might be another's (cached.I1).
    static result<block> within(result<block> r, layout l) noexcept {
        if (!r || !cache::keeps(l)) return r;
        return block{r->data, cache::asked(l).size()};
    }

    [[no_unique_address]] ref<A> upstream_;
    cache kept_;
};

}  // namespace ashlar
