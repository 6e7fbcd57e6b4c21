// ashlar/compose/cached_operations.hpp - the operations of an allocator that keeps freed blocks, wherever it keeps them.
//
// Layer:      compose
// Complexity: O(1) where a block is kept; else the upstream's operation.
// Failure:    where the upstream refuses, what is kept goes back and it is asked once more; then refuses.
// Threads:    as Self finds its cache.
// Invariants: cached_operations.I1  the upstream knows a block by asked(l), and any layout that fits the block leads to the
//                                   same
// Checked by: tests/compose/cached_operations_test.cpp, tests/compose/cached_test.cpp
//
// Self derives from it and says where the cache is: found() for what there is already, made() for one to put a block in;
// either may be null. Small requests are rounded up to their size class, so the upstream sees few sizes. What is kept is
// not known to the upstream as free: neither `available` nor a walk of the free ranges would be true.
#pragma once

#include <cstring>

#include "ashlar/compose/block_cache.hpp"
#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

template <class Self, allocator A, std::size_t Depth, std::size_t Largest>
class cached_operations {
public:
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    cached_operations(const cached_operations&) = delete;
    cached_operations& operator=(const cached_operations&) = delete;

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (std::byte* const p = taken(l)) return block{p, cache::asked(l).size()};
        return asked_again(l, [&](layout as) noexcept { return upstream_->allocate(as); });
    }
    void deallocate(std::byte* p, layout l) noexcept {
        if (cache::keeps(l)) {
            cache* const kept = self().made();
            if (kept != nullptr && kept->put(p, l)) return;
        }
        upstream_->deallocate(p, cache::asked(l));  // cached_operations.I1
    }
    /// Within its class a block has room already; beyond, it is the upstream's to grow.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        return resized(p, old, now, [&](layout from, layout to) noexcept { return upstream_->grow_in_place(p, from, to); });
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        return resized(p, old, now, [&](layout from, layout to) noexcept { return upstream_->shrink_in_place(p, from, to); });
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
        if (std::byte* const p = taken(l)) {
            std::memset(p, 0, l.size());
            return block{p, cache::asked(l).size()};
        }
        return asked_again(l, [&](layout as) noexcept { return upstream_->allocate_zeroed(as); });
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        return upstream_->owns(p);
    }

protected:
    using cache = block_cache<Depth, Largest>;

    explicit cached_operations(ref<A> upstream) noexcept : upstream_(upstream) {}
    cached_operations() noexcept
        requires stateless<A>
    = default;
    ~cached_operations() = default;

    A& upstream() const noexcept { return *upstream_; }
    void give_back(cache& kept) noexcept {
        kept.flush([&](std::byte* p, layout l) { upstream_->deallocate(p, l); });
    }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }

    std::byte* taken(layout l) noexcept {
        if (!cache::keeps(l)) return nullptr;
        cache* const kept = self().found();
        return kept == nullptr ? nullptr : kept->take(l);
    }
    template <class Ask>
    result<block> asked_again(layout l, Ask ask) noexcept {
        const auto first = within(ask(cache::asked(l)), l);
        if (first) return first;
        cache* const kept = self().found();
        if (kept == nullptr || kept->empty()) return first;
        give_back(*kept);
        return within(ask(cache::asked(l)), l);
    }
    template <class Ask>
    static result<block> resized(std::byte* p, layout old, layout now, Ask ask) noexcept {
        const layout from = cache::asked(old), to = cache::asked(now);
        if (from == to) return block{p, to.size()};
        if (from.align() != to.align()) return alloc_error{};
        return within(ask(from, to), now);
    }
    // No block of a class is granted longer than the class, or its size on return might be another's.
    static result<block> within(result<block> r, layout l) noexcept {
        if (!r || !cache::keeps(l)) return r;
        return block{r->data, cache::asked(l).size()};
    }

    [[no_unique_address]] ref<A> upstream_;
};

}  // namespace ashlar
