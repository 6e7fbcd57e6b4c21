// ashlar/compose/validated.hpp - hold the caller to the contract: every misuse of a block is stopped where it is made.
//
// Layer:      compose
// Complexity: one look-up in a table of the live blocks more than the upstream's operation.
// Failure:    the upstream's refusals, and its own when the table cannot grow; then nothing changed.
// Threads:    one at a time.
// Invariants: validated.I1  the table holds just the live blocks granted through this object
// Checked by: tests/compose/validated_test.cpp
//
// Giving back what is not the start of a live block (a double free, an interior or foreign pointer) or with a
// layout that does not fit breaks a precondition: contract.hpp reports it before the upstream is touched (law C5).
#pragma once

#include "ashlar/compose/block_table.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/operations.hpp"

namespace ashlar {

template <allocator A>
class validated {
public:
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    explicit validated(A& upstream) noexcept : upstream_(upstream) {}
    validated(const validated&) = delete;
    validated& operator=(const validated&) = delete;

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (!blocks_.make_room()) return alloc_error{};
        return entered(upstream_->allocate(l), l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(starts_live_block(p));
        ASHLAR_PRE(fits_live_block(p, l));
        blocks_.remove(p);
        upstream_->deallocate(p, l);
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        ASHLAR_PRE(starts_live_block(p));
        ASHLAR_PRE(fits_live_block(p, old));
        ASHLAR_PRE(now.align() == old.align() && now.size() >= old.size());
        return replaced(p, upstream_->grow_in_place(p, old, now), now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        ASHLAR_PRE(starts_live_block(p));
        ASHLAR_PRE(fits_live_block(p, old));
        ASHLAR_PRE(now.align() == old.align() && now.size() != 0 && now.size() <= old.size());
        return replaced(p, upstream_->shrink_in_place(p, old, now), now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        ASHLAR_PRE(starts_live_block(p));
        ASHLAR_PRE(fits_live_block(p, old));
        ASHLAR_PRE(now.size() != 0 && live_bytes <= old.size() && live_bytes <= now.size());
        return replaced(p, upstream_->reallocate(p, old, now, live_bytes), now);
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        ASHLAR_PRE(l.size() != 0);
        if (!blocks_.make_room()) return alloc_error{};
        return entered(upstream_->allocate_zeroed(l), l);
    }
    void reset() noexcept
        requires resettable<A>
    {
        blocks_.clear();
        upstream_->reset();
    }
    bool available(layout l) const noexcept
        requires forecasting<A>
    {
        return upstream_->available(l);
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        return upstream_->owns(p);
    }
    template <class Visit>
    void for_each_free(Visit visit) const
        requires walkable<A>
    {
        upstream_->for_each_free(visit);
    }

    std::size_t live_blocks() const noexcept { return blocks_.size(); }

private:
    bool starts_live_block(const std::byte* p) const noexcept { return blocks_.find(p) != nullptr; }
    bool fits_live_block(const std::byte* p, layout l) const noexcept {
        const auto* b = blocks_.find(p);
        return l.align() == b->asked.align() && l.size() >= b->asked.size() && l.size() <= b->granted;
    }
    result<block> entered(result<block> r, layout asked) noexcept {
        if (r) blocks_.insert({r->data, r->size, asked});
        return r;
    }
    result<block> replaced(std::byte* p, result<block> r, layout now) noexcept {
        if (r) {
            blocks_.remove(p);
            blocks_.insert({r->data, r->size, now});
        }
        return r;
    }

    [[no_unique_address]] ref<A> upstream_;
    block_table blocks_;
};

}  // namespace ashlar
