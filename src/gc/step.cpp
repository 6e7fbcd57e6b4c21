// Collecting in steps: a little at a time, by the clock or by what was made.
#include "collector.hpp"

namespace ashlar::gc::detail {

namespace {
constexpr std::size_t slice = 32;  // objects, or parts of arrays, between two looks at the clock
}

bool budget::spent() noexcept {
    if (units_ != 0 && --units_ == 0) is_spent = true;
    if (timed_ && std::chrono::steady_clock::now() >= end_) is_spent = true;
    return is_spent;
}

/// From here on members tell what is stored and overwritten, and what is made counts as reachable.
void collector::begin_cycle() noexcept {
    begin_marking();
    phase_ = phase::marking;
    told_members_ = true;
    __atomic_fetch_add(&marking_heaps, 1u, __ATOMIC_RELAXED);  // pairs with nothing: see marking()
    __atomic_fetch_add(&told_heaps, 1u, __ATOMIC_RELAXED);     // the same
    mark_roots();
}

/// @returns whether everything reachable is marked; else the budget is spent
bool collector::mark(budget& b) noexcept {
    for (;;) {
        while (marker_.drain(slice) == slice) {
            if (b.spent()) return false;
        }
        // Roots change without telling: only when they lead to nothing new is marking over.
        mark_roots();
        if (marker_.drain(slice) != 0) continue;
        finish_marking();
        return true;
    }
}

/// @returns whether a whole collection is done, destructors too; else the budget is spent
bool collector::advance(budget& b, bool run_destructors) noexcept {
    if (phase_ == phase::idle && run_destructors && statistics_.waiting != 0) {  // what the last step had no time for
        destroy_waiting(b);
        return statistics_.waiting == 0;
    }
    if (phase_ == phase::idle) {
        begin_cycle();
        if (b.spent()) return false;
    }
    if (phase_ == phase::marking) {
        if (!mark(b)) return false;
        end_marking();
        if (b.spent()) return false;
    }
    if (!sweep(b)) return false;
    if (run_destructors) destroy_waiting(b);
    return !run_destructors || statistics_.waiting == 0;
}

void collector::finish_cycle() noexcept {
    budget all;
    advance(all, false);
}

/// In make: of what is live as large a part is marked as of the headroom was used, twice over.
void collector::pay_debt(std::size_t enough) noexcept {
    if (phase_ == phase::idle && made_since_ < enough / 2) return;
    if (made_since_ >= enough + enough / 2) return finish_cycle();
    const std::size_t bytes = made_since_ > paid_at_ ? made_since_ - paid_at_ : 0;
    paid_at_ = made_since_;
    const double ratio = 4.0 * static_cast<double>(statistics_.live + 1) / static_cast<double>(enough + 1);
    const auto slices = static_cast<std::size_t>(ratio * static_cast<double>(bytes) / (32.0 * slice));
    budget some(slices + 1);
    advance(some, false);
}

void collector::note_pause(std::chrono::nanoseconds took) noexcept {
    const auto us = static_cast<std::uint64_t>(took.count() / 1000);
    std::size_t k = 0;
    while (k + 1 < std::size(statistics_.pauses) && us >> k != 0) ++k;
    ++statistics_.pauses[k];
    if (took > statistics_.longest_pause) statistics_.longest_pause = took;
}

}  // namespace ashlar::gc::detail
