// ashlar/testing/session.hpp - one client plays a script on an allocator while every law is watched.
//
// Layer:      testing
// Picture:    script -> client -> allocator -> ground
//                          \-> model <- observation      after every act all must agree
// Complexity: each act costs an observation and a look at every live block.
// Failure:    stops at the first broken law and leaves it in the ledger.
// Threads:    one at a time.
// Invariants: session.I1  while no law is broken, the client holds just the live blocks of the model
// Checked by: tests/testing/session_test.cpp, tests/testing/mutants_test.cpp
// Long:       it is the one place that says when which law is looked at.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/testing/attempt.hpp"
#include "ashlar/testing/claims.hpp"
#include "ashlar/testing/client.hpp"
#include "ashlar/testing/observation.hpp"
#include "ashlar/testing/script.hpp"

namespace ashlar::testing {

/// What law C8 compares: which requests for a block were granted. Where a block lies, how many bytes more than
/// asked it has and whether it can grow where it stands are the allocator's to choose.
using results = std::vector<bool>;

inline std::string text_of(layout l) {
    return std::to_string(l.size()) + " bytes aligned to " + std::to_string(l.align());
}

template <allocator A>
class session {
public:
    /// `trace`: where to tell each act in words; null for nowhere
    session(A& a, ground& g, const claims<A>& stated, ledger& log, std::vector<std::string>* trace = nullptr)
        : a_(a), ground_(g), stated_(stated), log_(log), trace_(trace), built_whole_(g.refusals() == 0) {
        sync();
        now_ = fresh_ = observe(a_, ground_);
        look_around();
    }

    void play(const script& acts) {
        for (const act& a : acts) {
            if (!log_.clean()) return;
            perform(a);
        }
    }
    /// Gives everything back and compares with the beginning.
    void finish() {
        if (log_.clean()) clear(0);
    }
    const results& seen() const { return results_; }

private:
    void perform(act a) {
        const layout l = layout_of(a);
        switch (kind_of(a)) {
            case act_kind::allocate: ask(l, false); break;
            case act_kind::deallocate: give_back(picked(a), a.pick); break;
            case act_kind::round_trip: round_trip(l, a.pick); break;
            case act_kind::allocate_zeroed: ask(l, true); break;
            case act_kind::grow: grow(picked(a), l.size(), a.pick); break;
            case act_kind::shrink: shrink(picked(a), l.size(), a.pick); break;
            case act_kind::reallocate: move(picked(a), a); break;
            case act_kind::exhaust: exhaust(l); break;
            case act_kind::clear: clear(a.pick); break;
            case act_kind::reset: reset(); break;
        }
    }

    // ---- requests -------------------------------------------------------------------------------------

    /// allocate or allocate_zeroed. @returns whether a block was granted
    bool ask(layout l, bool zeroed) {
        if (client_.full()) return false;
        const std::size_t refusals = ground_.refusals();
        const std::size_t grants = ground_.grants();
        const std::optional<bool> forecast = forecasts(l);
        tell((zeroed ? "allocate zeroed " : "allocate ") + text_of(l));
        const auto r = call([&] { return zeroed ? allocate_zeroed(a_, l) : a_.allocate(l); });
        if (!log_.clean()) return false;
        note(r);
        const observation before = now_;
        const bool as_planned = ground_.refusals() != refusals;
        if (!r) {
            refused(before);
        } else if (admitted(l, *r)) {
            if (zeroed) check_zeroed(l, *r);
            client_.hold(*r, l);
            tell("  -> #" + std::to_string(client_.blocks().back().number) + ", " + std::to_string(r->size));
        }
        if (!as_planned && forecast) {
            log_.check(law::completeness, *forecast == r.has_value(), [&] {
                return text_of(l) + (r ? " were granted, but not available" : " were available, but refused");
            });
        }
        judge(l, r.has_value(), before, as_planned || ground_.grants() != grants);
        look_around();
        return r.has_value();
    }

    void exhaust(layout l) {
        tell("allocate " + text_of(l) + " until it is refused, or " + std::to_string(client::most_blocks) + " are held");
        auto* const trace = std::exchange(trace_, nullptr);
        while (log_.clean() && ask(l, false)) {}
        trace_ = trace;
    }

    void give_back(std::size_t index, std::uint8_t pick) {
        if (index >= client_.blocks().size()) return;
        const held_block b = client_.blocks()[index];
        const layout l = fitting(b, pick);
        whole(b, b.granted);
        tell("deallocate #" + std::to_string(b.number) + " as " + text_of(l));
        client_.drop(index);
        call([&] { a_.deallocate(b.data, l); });
        if (!log_.clean()) return;
        release(b);
        look_around();
    }

    void round_trip(layout l, std::uint8_t pick) {
        const observation before = now_;
        if (!ask(l, false) || !log_.clean()) return;
        give_back(client_.blocks().size() - 1, pick);
        if (!log_.clean()) return;
        // What keeps freed memory may now keep this block instead of another; clear() trims, and asks then.
        if (!keeps_memory()) restored(before, law::reversibility, "a block was allocated and given back");
    }

    void grow(std::size_t index, std::size_t by, std::uint8_t pick) {
        if constexpr (growable<A>) {
            if (index >= client_.blocks().size()) return;
            held_block& b = client_.blocks()[index];
            const layout old = fitting(b, pick);
            const auto now = old.resized(by > layout::max_size - old.size() ? layout::max_size : old.size() + by);
            if (!now) return;
            tell("grow #" + std::to_string(b.number) + " in place from " + text_of(old) + " to " + text_of(*now));
            const auto r = call([&] { return a_.grow_in_place(b.data, old, *now); });
            if (!log_.clean()) return;
            resized(law::growth, b, old, *now, r, old.size());
        }
    }
    void shrink(std::size_t index, std::size_t wish, std::uint8_t pick) {
        if constexpr (shrinkable<A>) {
            if (index >= client_.blocks().size()) return;
            held_block& b = client_.blocks()[index];
            const layout old = fitting(b, pick);
            const layout now = *old.resized((wish - 1) % old.size() + 1);
            tell("shrink #" + std::to_string(b.number) + " in place from " + text_of(old) + " to " + text_of(now));
            const auto r = call([&] { return a_.shrink_in_place(b.data, old, now); });
            if (!log_.clean()) return;
            resized(law::shrinking, b, old, now, r, now.size());
        }
    }
    void resized(law l, held_block& b, layout old, layout now, const result<block>& r, std::size_t kept) {
        if (!r) {
            whole(b, b.granted);
            refused(now_);
        } else {
            log_.check(l, r->data == b.data, "the block is not where it was");
            sync();
            if (!ground_.watched()) adopt({address_of(b.data) + b.granted, address_of(b.data) + r->size});
            auto judged = model::resize(std::move(model_), address_of(b.data), old, now, r->size);
            model_ = std::move(judged.after);
            log_.check(l, judged.broken.empty(), [&] { return "it broke the rule: " + std::string(judged.broken); });
            if (!log_.clean()) return;
            const auto at = b.damaged(kept);
            log_.check(l, !at, [&] { return "byte " + std::to_string(*at) + " of the block itself was changed"; });
            b.asked = now;
            b.granted = r->size;
            b.fill();
        }
        look_around();
    }

    void move(std::size_t index, act a) {
        if (index >= client_.blocks().size()) return;
        const held_block b = client_.blocks()[index];
        const layout old = fitting(b, a.pick);
        const layout wish = layout_of(a);
        const auto same = wish.size() == 0 ? result<layout>(alloc_error{}) : old.resized(wish.size());
        const layout now = a.pick % 4 != 0 && same ? *same : wish;
        const std::size_t live = std::min(old.size(), now.size()) * (a.pick % 5) / 4;
        tell("reallocate #" + std::to_string(b.number) + " from " + text_of(old) + " to " + text_of(now) + ", " +
             std::to_string(live) + " live");
        const auto r = call([&] { return reallocate(a_, b.data, old, now, live); });
        if (!log_.clean()) return;
        note(r);
        if (!r) {
            const auto at = b.damaged(b.granted);
            log_.check(law::reallocation, !at, "the refusal changed a byte of the old block");
            refused(now_);
        } else {
            client_.drop(index);
            release(b);
            if (!admitted(now, *r)) return;
            const held_block as_before{b.number, r->data, live, now};
            const auto at = as_before.damaged(live);
            log_.check(law::reallocation, !at, [&] { return "live byte " + std::to_string(*at) + " was lost"; });
            client_.hold(*r, now);
        }
        look_around();
    }

    void clear(std::uint8_t pick) {
        while (log_.clean() && !client_.blocks().empty()) {
            const std::size_t last = client_.blocks().size() - 1;
            const std::size_t index = stated_.last_in_first_out || pick % 3 == 0 ? last : pick % 3 == 1 ? 0 : last / 2;
            give_back(index, pick);
        }
        if constexpr (trimmable<A>) {  // it may keep what it can give back when it is told to
            if (!log_.clean() || !offers(a_, ability::trim)) return whole_again();
            tell("trim");
            call([&] { a_.trim(); });
            sync();
            look_around();
            if (log_.clean() && built_whole_) {
                log_.check(law::reversibility, now_.managed == fresh_.managed,
                           "everything was given back and trimmed, but what is held of the upstream is not what was at first");
            }
        }
        whole_again();
    }
    void whole_again() {
        if (log_.clean() && built_whole_) restored(fresh_, law::reversibility, "everything was given back");
    }
    void reset() {
        if constexpr (resettable<A>) {
            if (!offers(a_, ability::reset)) return;
            tell("reset");
            client_.drop_all();
            call([&] { a_.reset(); });
            if (!log_.clean()) return;
            model_ = model::reset(std::move(model_)).after;
            sync();
            look_around();
            if (log_.clean() && built_whole_) restored(fresh_, law::reset, "the allocator was reset");
        }
    }

    // ---- what is looked at ----------------------------------------------------------------------------

    /// C1: the model may grant just these bytes.
    bool admitted(layout l, block granted) {
        sync();
        if (!ground_.watched()) adopt(range_of(granted));
        auto judged = model::grant(std::move(model_), l, range_of(granted));
        model_ = std::move(judged.after);
        return log_.check(law::exclusivity, judged.broken.empty(), [&] {
            return "asked for " + text_of(l) + ", the grant broke the rule: " + std::string(judged.broken);
        });
    }

    /// C6: nothing can be told from before.
    void refused(const observation& before) {
        sync();
        const observation after = observe(a_, ground_);
        log_.check(law::strong_failure, after.managed == before.managed,
                   "a refused operation changed what is held of the upstream");
        log_.check(law::strong_failure, after.free == before.free, "a refused operation changed what is free");
        log_.check(law::strong_failure, after.available == before.available,
                   "a refused operation changed what is available");
    }

    /// C4, for allocators whose free ranges can be seen: a request is granted from them if and only if one of them
    /// is enough; only then may the upstream be asked for more.
    void judge(layout l, bool granted, const observation& before, bool asked_upstream) {
        if (!before.free || !log_.clean()) return;
        bool enough = false;
        before.free->for_each([&](range r) {
            const block run{reinterpret_cast<std::byte*>(r.begin), r.size()};
            enough = enough || (stated_.serves ? stated_.serves(a_, run, l) : place_in(r, l).size() != 0);
        });
        log_.check(law::completeness, granted || !enough,
                   [&] { return text_of(l) + " were refused, but a free run is enough"; });
        log_.check(law::completeness, !asked_upstream || !enough,
                   [&] { return "the upstream was asked for " + text_of(l) + ", but a free run is enough"; });
        log_.check(law::completeness, !granted || enough || asked_upstream,
                   [&] { return text_of(l) + " were granted, but no free run is enough"; });
    }

    /// C7 and reset: what was free is free, what was available is available.
    void restored(const observation& before, law l, const char* when) {
        if (before.free) {
            log_.check(l, common(*now_.free, before.managed) == *before.free || !ground_.watched(),
                       [&] { return std::string(when) + ", but what is free is not what was free before"; });
        }
        if (keeps_memory() && now_.managed != before.managed) return;  // what it keeps, its upstream lacks
        const auto gone = lost(before, now_);
        log_.check(l, !gone, [&] { return std::string(when) + ", but no longer fits: " + text_of(*gone); });
        if (now_.managed == before.managed) {
            log_.check(l, now_.available == before.available,
                       [&] { return std::string(when) + ", but what is available is not what was"; });
        }
    }

    /// C2, C3 and ownership, after every act.
    void look_around() {
        if (!log_.clean()) return;
        const auto hurt = client_.damage();
        log_.check(law::frame, !hurt, [&] { return *hurt; });
        const auto outside = ground_.damage();
        log_.check(law::frame, !outside, [&] { return *outside; });
        now_ = observe(a_, ground_);
        if (now_.free) {
            log_.check(law::conservation, now_.walk_in_order, "the free ranges overlap or are not in address order");
            log_.check(law::conservation, !ground_.watched() || common(*now_.free, now_.managed) == *now_.free,
                       "a free range lies outside the managed memory");
            for (const held_block& b : client_.blocks()) {
                log_.check(law::conservation, !now_.free->meets(range_of(b.data, b.granted)),
                           "a live block lies in a free range");
            }
        }
        if constexpr (owning<A>) {
            if (!offers(a_, ability::own)) return;
            for (const held_block& b : client_.blocks()) {
                log_.check(law::ownership, a_.owns(b.data) && a_.owns(b.data + b.granted - 1),
                           "a byte of a live block is not owned");
            }
            static const std::byte foreign{};
            log_.check(law::ownership, !a_.owns(&foreign), "a byte of someone else's is owned");
        }
    }

    void check_zeroed(layout l, block granted) {
        if constexpr (zeroing<A>) {
            const std::byte* const begin = granted.data;
            log_.check(law::zeroing, std::all_of(begin, begin + l.size(), [](std::byte b) { return b == std::byte{}; }),
                       "a byte is not zero");
        }
    }
    void whole(const held_block& b, std::size_t n) {
        const auto at = b.damaged(n);
        log_.check(law::frame, !at, [&] {
            return "byte " + std::to_string(*at) + " of live block #" + std::to_string(b.number) + " was changed";
        });
    }

    // ---- the model's books ----------------------------------------------------------------------------

    /// M follows what the allocator takes from the ground and gives back to it.
    void sync() {
        if (!ground_.watched()) return;
        const interval_set managed = ground_.managed();
        if (managed == model_.mapped) return;
        interval_set gone = model_.mapped;
        managed.for_each([&](range r) { gone.erase(r); });
        interval_set come = managed;
        model_.mapped.for_each([&](range r) { come.erase(r); });
        gone.for_each([&](range r) {
            auto done = model::unmap(std::move(model_), r);
            model_ = std::move(done.after);
            log_.check(law::exclusivity, done.broken.empty(), "memory under a live block was given back to the upstream");
        });
        come.for_each([&](range r) { model_ = model::map(std::move(model_), r).after; });
    }
    // Where the ground is not watched, memory exists when it is granted and while it is live.
    void adopt(range r) {
        interval_set missing(r);
        model_.mapped.for_each([&](range known) { missing.erase(known); });
        missing.for_each([&](range m) { model_ = model::map(std::move(model_), m).after; });
    }
    void release(const held_block& b) {
        auto done = model::deallocate(std::move(model_), address_of(b.data), b.asked);
        model_ = std::move(done.after);
        if (!ground_.watched() && done.place) model_ = model::unmap(std::move(model_), *done.place).after;
        sync();
    }

    // ---- small things ---------------------------------------------------------------------------------

    /// What the allocator answers; a contract that it breaks is a broken law, and the end of the session.
    template <class Act>
    auto call(Act act) {
        using answer = std::invoke_result_t<Act&>;
        if constexpr (std::is_void_v<answer>) {
            const auto trouble = attempt(act);
            log_.check(law::contracts, !trouble, [&] { return text_of(*trouble); });
        } else {
            answer r = alloc_error{};
            const auto trouble = attempt([&] { r = act(); });
            log_.check(law::contracts, !trouble, [&] { return text_of(*trouble); });
            return r;
        }
    }
    std::optional<bool> forecasts(layout l) const {
        if constexpr (forecasting<A>) {
            if (offers(a_, ability::forecast)) return a_.available(l);
        }
        return std::nullopt;
    }
    bool keeps_memory() const {
        if constexpr (trimmable<A>) return offers(a_, ability::trim);
        return false;
    }
    std::size_t picked(act a) const {
        const std::size_t n = client_.blocks().size();
        return n == 0 ? 0 : stated_.last_in_first_out ? n - 1 : n - 1 - a.pick % n;
    }
    /// A layout that fits the block: any size between what was asked and what was granted.
    static layout fitting(const held_block& b, std::uint8_t pick) {
        const std::size_t spare = b.granted - b.asked.size();
        const auto l = b.asked.resized(b.asked.size() + (pick % 3 == 0 ? 0 : pick % 3 == 1 ? spare : spare / 2));
        return l ? *l : b.asked;
    }
    void note(const result<block>& r) { results_.push_back(r.has_value()); }
    void tell(std::string line) {
        if (trace_ != nullptr) trace_->push_back(std::move(line));
    }

    A& a_;
    ground& ground_;
    const claims<A>& stated_;
    ledger& log_;
    std::vector<std::string>* trace_;
    bool built_whole_;
    client client_;
    state model_;
    observation fresh_;
    observation now_;
    results results_;
};

}  // namespace ashlar::testing
