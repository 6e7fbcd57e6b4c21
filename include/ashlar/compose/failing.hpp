// ashlar/compose/failing.hpp - refuse the n-th request, once or from then on.
//
// Layer:      compose
// Source:     SQLite's out-of-memory loop: fail the n-th allocation, for n = 1, 2, ... until it is not reached.
// Complexity: a counter more than the upstream's operation.
// Failure:    the upstream's refusals and the planned ones; a refused request does not reach the upstream.
// Threads:    one at a time.
// Invariants: failing.I1  a request that the plan refuses leaves the upstream untouched
// Checked by: tests/compose/failing_test.cpp
//
// Every operation that may be refused counts as a request, in-place ones too; giving back never does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/compose/forwarding.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

enum class failure : std::uint8_t { once, from_then_on };

/// Which request is to be refused. One plan may serve several sources: they then count together.
class failure_plan {
public:
    /// Counts anew from here; the n-th request from now is refused (the first is 1; 0 refuses none).
    void arm(std::size_t n, failure how) noexcept {
        refused_at_ = n;
        how_ = how;
        requests_ = 0;
        refusals_ = 0;
    }
    void disarm() noexcept { refused_at_ = 0; }

    /// Counts one request. @returns whether it is to be refused
    bool next() noexcept {
        const bool refused = would_refuse();
        ++requests_;
        if (refused) ++refusals_;
        return refused;
    }
    /// Whether the request that comes next will be refused.
    bool would_refuse() const noexcept {
        if (refused_at_ == 0) return false;
        return how_ == failure::once ? requests_ + 1 == refused_at_ : requests_ + 1 >= refused_at_;
    }
    std::size_t requests() const noexcept { return requests_; }  ///< since arm
    std::size_t refusals() const noexcept { return refusals_; }  ///< since arm

private:
    std::size_t refused_at_ = 0;
    failure how_ = failure::once;
    std::size_t requests_ = 0;
    std::size_t refusals_ = 0;
};

template <allocator A>
class failing : public forwarding<failing<A>, A> {
    friend forwarding<failing, A>;

public:
    failing(A& upstream, failure_plan& plan) noexcept : upstream_(upstream), plan_(&plan) {}

private:
    // What forwarding says: each request counts (failing.I1), what goes back does not.
    A& upstream() const noexcept { return *upstream_; }
    bool admits(layout) noexcept { return !plan_->next(); }
    bool admits_resize(const resize_request&) noexcept { return !plan_->next(); }
    bool would_admit(layout) const noexcept { return !plan_->would_refuse(); }

    [[no_unique_address]] ref<A> upstream_;
    failure_plan* plan_;
};

}  // namespace ashlar
