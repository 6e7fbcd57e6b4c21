// ashlar/compose/adaptive.hpp - watches its requests and moves between allocators while running; no live block moves.
//
// Layer:      compose
// Source:     the two halves are known: heaps layered from parts, of Berger, Zorn, McKinley, "Composing high-performance memory
//             allocators", PLDI 2001, and the choice of them in hindsight (adaptive_decision.hpp); here they meet at run time.
// Picture:    requests -> [ every window: watch some, judge, change? ] -> the active candidate
//             frees    -> region of the address -> the candidate that granted it
// Complexity: over the candidate's own: an allocation counts down and looks which is active; a free finds its granter by a mask
//             and counts (tests/budgets/adaptive.cpp). 32 requests of a window of 1,024 are watched, and a judge is asked once.
// Failure:    refuses when no candidate grants, the upstream neither: the active one is asked first, then from the last to the
//             first, then for a block of its own.
// Threads:    one at a time.
// Invariants: adaptive.I1  a block goes back to the candidate in whose region it lies, whatever is active
//             adaptive.I2  what is counted of a candidate's live blocks is their number
//             adaptive.I3  a candidate that is not active and has no live block keeps no memory; the last, which serves what
//                          others refuse, what it would keep by itself
//             adaptive.I4  a candidate but the last that holds more than `slack` times its live bytes and `allowance` is not
//                          chosen, and is left at the first end of a window when it may be
// Checked by: tests/compose/adaptive_test.cpp, tests/compose/adaptive_laws_test.cpp, tests/budgets/adaptive.cpp
// Long:       one fast path, and the way back to each granter, for every operation.
//
// The candidates are templates of an allocator over its upstream, which is a share of the memory (apportioned.hpp). The first
// is active at first, the last must serve every size that any is asked for. The judge says what a window costs by each
// (adaptive_decision.hpp). Not walkable: a free range serves requests of its candidate only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "ashlar/compose/adaptive_decision.hpp"
#include "ashlar/compose/apportioned.hpp"
#include "ashlar/compose/usage_watch.hpp"
#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

struct adaptive_options {
    std::uint32_t window = 1024;  ///< requests from one judgement to the next
    std::uint32_t watched = 32;   ///< of these watched closely; at most four times as many frees
    std::size_t slack = 4;
    std::size_t allowance = std::size_t{4} << 20;
    hysteresis_options change{};
};

namespace detail {
template <std::size_t I, class A>
struct candidate_at {
    A it;
    template <class Memory>
    explicit candidate_at(Memory& m) noexcept : it(ref<typename Memory::share>(m.of(I))) {}
};
template <std::size_t I, class A>
A& candidate_of(candidate_at<I, A>& c) noexcept { return c.it; }
template <std::size_t I, class A>
const A& candidate_of(const candidate_at<I, A>& c) noexcept { return c.it; }

template <class Indices, class... A>
struct candidate_row;
template <std::size_t... I, class... A>
struct candidate_row<std::index_sequence<I...>, A...> : candidate_at<I, A>... {
    template <class Memory>
    explicit candidate_row(Memory& m) noexcept : candidate_at<I, A>(m)... {}
};
}  // namespace detail

/// Memory: apportioned, with a share for each candidate.
template <class Judge, class Memory, template <class> class... Candidate>
    requires usage_judge<Judge, sizeof...(Candidate)>
class adaptive {
    static constexpr std::size_t n = sizeof...(Candidate);
    static_assert(n >= 2 && n == Memory::shares, "a share of the memory for each of two candidates or more");
    using share = typename Memory::share;
    using upstream_type = typename Memory::upstream_type;

public:
    static constexpr bool deallocate_is_optional = (optional_deallocate<Candidate<share>> && ...);

    /// @pre 0 < wish.watched < wish.window
    explicit adaptive(ref<upstream_type> upstream, adaptive_options wish = {}, Judge judge = {}) noexcept
        : wish_(wish), until_(wish.window - wish.watched + 1), from_(until_), judge_(std::move(judge)), choice_(wish.change),
          memory_(upstream), candidates_(memory_) {
        ASHLAR_PRE(wish.watched > 0 && wish.watched < wish.window && wish.window < 65536);
    }
    explicit adaptive(adaptive_options wish = {}, Judge judge = {}) noexcept
        requires stateless<upstream_type>
        : adaptive(ref<upstream_type>(), wish, std::move(judge)) {}
    adaptive(const adaptive&) = delete;
    adaptive& operator=(const adaptive&) = delete;
    ~adaptive() { memory_.large().reset(); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        return grant(l, [l](auto& a) noexcept { return a.allocate(l); });
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires(zeroing<Candidate<share>> || ...)
    {
        ASHLAR_PRE(l.size() != 0);
        return grant(l, [l](auto& a) noexcept { return ashlar::allocate_zeroed(a, l); });
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(memory_.may_be_ours(p));
        ASHLAR_INVARIANT(memory_.owns(p));
        const std::size_t granter = Memory::whose(p);  // adaptive.I1
        if (granter != quick_) [[unlikely]] return deallocate_elsewhere(p, l, granter);
        ++freed_;
        at(granter, [&](auto& a) noexcept { a.deallocate(p, l); });
    }

    /// As the granter can; a block of the upstream itself stays as it is.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires(growable<Candidate<share>> || ...)
    {
        return by_granter(p, [&](auto& a) noexcept { return ashlar::grow_in_place(a, p, old, now); });
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires(shrinkable<Candidate<share>> || ...)
    {
        return by_granter(p, [&](auto& a) noexcept { return ashlar::shrink_in_place(a, p, old, now); });
    }
    /// Stays with its granter if that is active; else, unless it can be resized in place, it moves to the active one.
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires(reallocating<Candidate<share>> || ...)
    {
        ASHLAR_PRE(now.size() != 0 && live_bytes <= old.size() && live_bytes <= now.size());
        const bool stays = Memory::whose(p) == active_;
        const auto here = by_granter(p, [&](auto& a) noexcept -> result<block> {
            if (stays) return ashlar::reallocate(a, p, old, now, live_bytes);
            if (now.align() != old.align()) return alloc_error{};
            return now.size() >= old.size() ? ashlar::grow_in_place(a, p, old, now) : ashlar::shrink_in_place(a, p, old, now);
        });
        if (here) return here;
        const auto moved = allocate(now);
        if (!moved) return moved;
        std::memcpy(moved->data, p, live_bytes);
        deallocate(p, old);
        return moved;
    }

    /// What was learned of the requests stays.
    void reset() noexcept
        requires(resettable<Candidate<share>> && ...)
    {
        settle();
        each_of(candidates_, [&](auto& a, std::size_t i) noexcept {
            a.reset();
            live_[i] = 0;
            if (i != active_) ashlar::trim(a);
        });
        memory_.large().reset();
    }
    void trim() noexcept {
        each_of(candidates_, [](auto& a, std::size_t) noexcept { ashlar::trim(a); });
        memory_.trim();
    }
    bool available(layout l) const noexcept
        requires(forecasting<Candidate<share>> && ...) && forecasting<upstream_type>
    {
        bool some = memory_.large().available(l);
        each_of(candidates_, [&](const auto& a, std::size_t) noexcept { some = some || a.available(l); });
        return some;
    }
    /// @complexity O(log regions)
    bool owns(const std::byte* p) const noexcept { return memory_.owns(p); }

    std::size_t active() const noexcept { return active_; }
    std::uint32_t changes() const noexcept { return choice_.changes(); }
    /// Of a candidate: its live blocks, and the bytes it has from the upstream.
    std::size_t live_blocks(std::size_t candidate) const noexcept {
        return live_[candidate] + (candidate == active_ ? std::size_t{from_ - until_} - elsewhere_ - freed_ : 0);  // adaptive.I2
    }
    std::size_t held_bytes(std::size_t candidate) const noexcept { return memory_.of(candidate).held(); }
    /// The last window judged.
    const usage& last_usage() const noexcept { return seen_; }
    const Memory& memory() const noexcept { return memory_; }

private:
    static constexpr std::size_t none = n + 1;

    template <class Act>
    [[gnu::always_inline]] inline result<block> grant(layout l, Act act) noexcept {
        if (--until_ == 0) [[unlikely]] return grant_watched(l, act);
        const result<block> granted = at(active_, act);
        if (!granted) [[unlikely]] return grant_elsewhere(act);
        return granted;
    }
    /// The active one refused.
    template <class Act>
    [[gnu::noinline]] result<block> grant_elsewhere(Act act) noexcept {
        std::size_t granter = none;
        const auto granted = ask_others(act, granter);
        if (!granted) {
            ++until_;  // a refused request is no request
            return granted;
        }
        ++elsewhere_;
        if (granter < n) ++live_[granter];
        return granted;
    }
    template <class Act>
    result<block> ask_others(Act act, std::size_t& granter) noexcept {
        for (std::size_t i = n; i-- != 0;) {
            if (i == active_) continue;
            const result<block> granted = at(i, act);
            if (!granted) continue;
            granter = i;
            return granted;
        }
        granter = n;
        return act(memory_.large());
    }
    /// In the run of a window that is watched every request comes here.
    template <class Act>
    [[gnu::noinline]] result<block> grant_watched(layout l, Act act) noexcept {
        until_ = 1;
        std::size_t granter = active_;
        result<block> granted = at(active_, act);
        if (!granted) granted = ask_others(act, granter);
        if (!granted) return granted;
        if (quick_ != none) begin_watch();
        ++grants_;
        if (granter < n) ++live_[granter];
        watch_.granted(granted->data, l);
        if (watch_.grants() == wish_.watched) end_window();
        return granted;
    }
    void begin_watch() noexcept {
        settle();
        watch_.begin();
        quick_ = none;  // every free comes to deallocate_elsewhere
    }
    /// The counts of the fast paths go where they belong (adaptive.I2).
    void settle() noexcept {
        live_[active_] += std::size_t{from_ - until_} - elsewhere_ - freed_;
        grants_ += from_ - until_;
        frees_ += static_cast<std::uint32_t>(freed_);
        from_ = until_;
        elsewhere_ = 0;
        freed_ = 0;
    }

    [[gnu::noinline]] void deallocate_elsewhere(std::byte* p, layout l, std::size_t granter) noexcept {
        ASHLAR_PRE(granter <= n);
        if (granter == n) {
            memory_.large().deallocate(p, l);
        } else {
            at(granter, [&](auto& a) noexcept { a.deallocate(p, l); });
            if (granter == active_) {
                ++freed_;
            } else {
                if (--live_[granter] == 0) drained(granter);
                ++frees_;
            }
        }
        if (quick_ != none) return;
        watch_.freed(p);
        if (watch_.frees() == 4 * wish_.watched) end_window();
    }
    void drained(std::size_t candidate) noexcept {  // adaptive.I3
        if (candidate == n - 1) return;
        at(candidate, [](auto& a) noexcept { ashlar::trim(a); });
    }

    [[gnu::noinline, gnu::cold]] void end_window() noexcept {
        settle();
        judge();
        const std::size_t before = active_;
        active_ = quick_ = choice_.active();
        if (active_ != before) {
            if (live_[before] == 0) drained(before);
            held_ = held_bytes(active_);
            unused_ = 0;
        }
        grants_ = frees_ = 0;
        until_ = wish_.window - wish_.watched + 1;
        from_ = until_;
    }
    void judge() noexcept {
        seen_ = watch_.seen();
        seen_.active = active_;
        seen_.grants = grants_;
        seen_.frees = frees_;
        seen_.live = live_[active_];
        seen_.held = held_bytes(active_);
        const std::size_t mean = static_cast<std::size_t>(seen_.bytes) / seen_.watched;
        mean_ = mean_ == 0 ? mean : mean_ - mean_ / 4 + mean / 4;
        const std::size_t used = seen_.live * (mean_ + 8) + wish_.allowance;
        const std::size_t grown = seen_.held > held_ ? seen_.held - held_ : 0;
        seen_.regained = grown < unused_ ? grown : unused_;
        held_ = seen_.held;
        unused_ = held_ > used ? held_ - used : 0;
        if (is_overdrawn(active_)) at(active_, [](auto& a) noexcept { ashlar::trim(a); });  // what it keeps is no reason to leave
        choice_.next(std::as_const(judge_)(seen_), grants_, overdrawn());
    }
    std::array<bool, n> overdrawn() const noexcept {  // adaptive.I4
        std::array<bool, n> too_much{};
        for (std::size_t i = 0; i < n; ++i) too_much[i] = is_overdrawn(i);
        return too_much;
    }
    bool is_overdrawn(std::size_t i) const noexcept {
        return i + 1 < n && held_bytes(i) > wish_.slack * live_[i] * (mean_ + 8) + wish_.allowance;
    }

    template <class Act>
    result<block> by_granter(std::byte* p, Act act) noexcept {
        ASHLAR_PRE(memory_.may_be_ours(p));
        const std::size_t granter = Memory::whose(p);
        if (granter >= n) return alloc_error{};
        return at(granter, act);
    }
    template <std::size_t I = 0, class Act>
    [[gnu::always_inline]] inline decltype(auto) at(std::size_t index, Act act) noexcept {
        if constexpr (I + 1 < n) {
            if (index == I) [[likely]] return act(detail::candidate_of<I>(candidates_));
            return at<I + 1>(index, act);
        } else {
            return act(detail::candidate_of<I>(candidates_));
        }
    }
    template <class Row, class Act>
    static void each_of(Row& row, Act act) noexcept {
        [&]<std::size_t... I>(std::index_sequence<I...>) { (act(detail::candidate_of<I>(row), I), ...); }(indices());
    }
    using indices = std::make_index_sequence<n>;

    const adaptive_options wish_;
    std::uint32_t until_;         // requests to the next that is watched, that one counted
    std::uint32_t from_;          // what until_ was when settled
    std::uint32_t elsewhere_ = 0;  // requests since then that the active one refused and another granted
    std::size_t freed_ = 0;        // frees since then to the active one
    std::size_t active_ = 0;
    std::size_t quick_ = 0;  // the active one, none while the run is watched
    std::size_t live_[n] = {};
    std::uint32_t grants_ = 0, frees_ = 0;
    std::size_t mean_ = 0, held_ = 0, unused_ = 0;
    usage_watch watch_;
    usage seen_;
    [[no_unique_address]] Judge judge_;
    hysteresis<n> choice_;
    Memory memory_;
    detail::candidate_row<indices, Candidate<share>...> candidates_;
};

}  // namespace ashlar
