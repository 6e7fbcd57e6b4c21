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
#include "ashlar/compose/forwarding.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

template <allocator A>
class validated : public forwarding<validated<A>, A> {
    friend forwarding<validated, A>;

public:
    explicit validated(A& upstream) noexcept : upstream_(upstream) {}

    std::size_t live_blocks() const noexcept { return blocks_.size(); }

private:
    bool starts_live_block(const std::byte* p) const noexcept { return blocks_.find(p) != nullptr; }
    bool fits_live_block(const std::byte* p, layout l) const noexcept {
        const auto* b = blocks_.find(p);
        return l.align() == b->asked.align() && l.size() >= b->asked.size() && l.size() <= b->granted;
    }

    // What forwarding says.
    A& upstream() const noexcept { return *upstream_; }
    bool admits([[maybe_unused]] layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        return blocks_.make_room();
    }
    result<block> granted(result<block> r, layout asked) noexcept {
        if (r) blocks_.insert({r->data, r->size, asked});
        return r;
    }
    bool admits_resize([[maybe_unused]] const resize_request& r) const noexcept {
        ASHLAR_PRE(starts_live_block(r.p));
        ASHLAR_PRE(fits_live_block(r.p, r.old));
        ASHLAR_PRE(r.now.size() != 0 && r.live_bytes <= r.old.size() && r.live_bytes <= r.now.size());
        ASHLAR_PRE(r.how == resize_request::move || r.now.align() == r.old.align());
        return true;
    }
    result<block> resized(result<block> r, const resize_request& of) noexcept {
        if (r) {
            blocks_.remove(of.p);
            blocks_.insert({r->data, r->size, of.now});
        }
        return r;
    }
    void leaving(std::byte* p, [[maybe_unused]] layout l) noexcept {
        ASHLAR_PRE(starts_live_block(p));
        ASHLAR_PRE(fits_live_block(p, l));
        blocks_.remove(p);
    }
    void forgotten() noexcept { blocks_.clear(); }

    [[no_unique_address]] ref<A> upstream_;
    block_table blocks_;
};

}  // namespace ashlar
