// ashlar/testing/model.hpp - what memory allocation means: the state A = (H, S, M, O) and its operations.
//
// Layer:      testing
// Source:     docs/semantics.md (the system this executes: S1, S2, S3).
// Picture:    mapped M  [ free H | live H | free H ]   [ frames S ->        | room S ]
//             operations O = the history: replaying it from the empty state gives the state
// Complexity: as plain as can be; it is the oracle, so it must be read and believed.
// Failure:    an operation that the rules forbid returns the state unchanged and says which rule it broke.
// Threads:    plain values.
// Invariants: model.I1  free, the live blocks and the stack are pairwise disjoint
//             model.I2  each of them lies in what is mapped
//             model.I3  mapped = free + live + stack (conservation, law C3)
// Checked by: tests/testing/model_test.cpp
//
// Every operation is a function from state to state. It is used in two ways. As an allocator it chooses the
// place itself (allocate, by a placement). As the oracle it judges a place that another allocator chose
// (grant): any free aligned run will do, and nothing else.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ashlar/testing/interval_set.hpp"

namespace ashlar::testing {

/// A live block: what was asked for, and the bytes that were granted for it.
struct live_block {
    layout asked;
    std::size_t granted;
    friend bool operator==(const live_block&, const live_block&) = default;
};

enum class verb : std::uint8_t { map, unmap, open_stack, allocate, grant, refuse, deallocate, resize, push, pop, reset };

/// One operation that took place: an element of O.
struct operation {
    verb what;
    range where;
    std::size_t align = 1;
    std::size_t size = 0;
    friend bool operator==(const operation&, const operation&) = default;
};

struct state {
    interval_set free;                         // H: heap regions that may be granted
    std::map<address, live_block> live;     // H: heap regions that were granted
    range stack_space;                      // S: where frames lie
    std::vector<range> frames;              // S: stack regions, oldest first
    interval_set mapped;                       // M: memory that exists
    std::vector<operation> operations;      // O: what has taken place
    friend bool operator==(const state&, const state&) = default;
};

/// The state after an operation. `broken` names the rule that forbids it, and then nothing changed.
/// `place` is what was granted; an allowed operation without one was a refusal.
struct step {
    state after;
    std::optional<range> place{};
    std::string_view broken{};
};

enum class placement : std::uint8_t { lowest, highest, best };

namespace model {

inline range extent(address begin, const live_block& b) { return {begin, begin + b.granted}; }

/// The live block that shares an address with r, or live.end().
inline auto live_meeting(const state& s, range r) {
    for (auto it = s.live.begin(); it != s.live.end(); ++it) {
        if (extent(it->first, it->second).meets(r)) return it;
    }
    return s.live.end();
}

/// Memory appears: the heap may grant from it.
inline step map(state s, range r) {
    if (r.size() == 0 || s.mapped.meets(r)) return {std::move(s), {}, "memory is mapped once"};
    s.mapped.insert(r);
    s.free.insert(r);
    s.operations.push_back({verb::map, r});
    return {std::move(s), r};
}

/// Memory disappears: no part of it may be in use.
inline step unmap(state s, range r) {
    if (!s.free.contains(r)) return {std::move(s), {}, "only free memory is unmapped"};
    s.mapped.erase(r);
    s.free.erase(r);
    s.operations.push_back({verb::unmap, r});
    return {std::move(s), r};
}

/// available(l): some free region holds an aligned run of that length.
inline bool available(const state& s, layout l) { return holds_run(s.free, l); }

/// Judges a block that someone else chose. Any free aligned run that is long enough may be granted.
inline step grant(state s, layout l, range r) {
    if (!is_aligned(r.begin, static_cast<address>(l.align()))) return {std::move(s), {}, "a grant is aligned"};
    if (r.size() < l.size()) return {std::move(s), {}, "a grant is as long as was asked"};
    if (live_meeting(s, r) != s.live.end()) return {std::move(s), {}, "a grant is disjoint from every live block"};
    if (!s.free.contains(r)) return {std::move(s), {}, "a grant lies in the managed memory"};
    s.free.erase(r);
    s.live.emplace(r.begin, live_block{l, r.size()});
    s.operations.push_back({verb::grant, r, l.align(), l.size()});
    return {std::move(s), r};
}

/// Where the placement would put l among the free ranges, if anywhere.
inline std::optional<range> choose(const interval_set& free, layout l, placement where) {
    std::optional<range> chosen;
    std::size_t chosen_run = 0;
    free.for_each([&](range r) {
        range place = place_in(r, l);
        if (place.size() == 0) return;
        if (where == placement::highest) {
            place.begin = align_down(static_cast<address>(r.end - l.size()), static_cast<address>(l.align()));
            place.end = place.begin + l.size();
        }
        const bool better = where == placement::highest || !chosen ||
                            (where == placement::best && r.size() < chosen_run);
        if (!better) return;
        chosen = place;
        chosen_run = r.size();
    });
    return chosen;
}

/// alloc(l) = Some(place) if available(l), None otherwise.
inline step allocate(state s, layout l, placement where) {
    const auto place = choose(s.free, l, where);
    if (place) return grant(std::move(s), l, *place);
    s.operations.push_back({verb::refuse, {}, l.align(), l.size()});
    return {std::move(s)};
}

/// Whether l fits the live block (foundation/allocator.hpp).
inline bool fits(const live_block& b, layout l) {
    return l.align() == b.asked.align() && l.size() >= b.asked.size() && l.size() <= b.granted;
}

/// dealloc(p, l): gives back exactly the region that was granted.
inline step deallocate(state s, address p, layout l) {
    const auto it = s.live.find(p);
    if (it == s.live.end()) return {std::move(s), {}, "only the start of a live block is given back"};
    if (!fits(it->second, l)) return {std::move(s), {}, "the layout of a block given back fits it"};
    const range r = extent(p, it->second);
    s.live.erase(it);
    s.free.insert(r);
    s.operations.push_back({verb::deallocate, r, l.align(), l.size()});
    return {std::move(s), r};
}

/// A live block becomes longer or shorter where it stands.
inline step resize(state s, address p, layout old, layout now, std::size_t granted) {
    const auto it = s.live.find(p);
    if (it == s.live.end() || !fits(it->second, old)) return {std::move(s), {}, "only a live block is resized"};
    if (granted < now.size()) return {std::move(s), {}, "a grant is as long as was asked"};
    const range was = extent(p, it->second);
    const range is{p, p + granted};
    if (is.end > was.end && !s.free.contains({was.end, is.end})) {
        return {std::move(s), {}, "a block grows into free memory only"};
    }
    s.free.insert(was);
    s.free.erase(is);
    it->second = live_block{now, granted};
    s.operations.push_back({verb::resize, is, now.align(), now.size()});
    return {std::move(s), is};
}

/// Every live block ends at once.
inline step reset(state s) {
    for (const auto& [begin, b] : s.live) s.free.insert(extent(begin, b));
    s.live.clear();
    s.operations.push_back({verb::reset, {}});
    return {std::move(s)};
}

/// Takes r out of the heap: frames will lie there.
inline step open_stack(state s, range r) {
    if (s.stack_space.size() != 0 || r.size() == 0) return {std::move(s), {}, "there is one stack"};
    if (!s.free.contains(r)) return {std::move(s), {}, "a stack lies in free memory"};
    s.free.erase(r);
    s.stack_space = r;
    s.operations.push_back({verb::open_stack, r});
    return {std::move(s), r};
}

/// A frame above the newest one; refused where the stack's limit would be passed.
inline step push(state s, layout l) {
    const address top = s.frames.empty() ? s.stack_space.begin : s.frames.back().end;
    const range frame = place_in({top, s.stack_space.end}, l);
    if (frame.size() == 0) {
        s.operations.push_back({verb::refuse, {}, l.align(), l.size()});
        return {std::move(s)};
    }
    s.frames.push_back(frame);
    s.operations.push_back({verb::push, frame, l.align(), l.size()});
    return {std::move(s), frame};
}

/// The newest frame ends.
inline step pop(state s) {
    if (s.frames.empty()) return {std::move(s), {}, "there is a frame to end"};
    const range frame = s.frames.back();
    s.frames.pop_back();
    s.operations.push_back({verb::pop, frame});
    return {std::move(s), frame};
}

/// model.I1 to model.I3. @returns the one that does not hold, or nothing
inline std::string_view broken_invariant(const state& s) {
    interval_set all = s.free;
    std::size_t sum = s.free.bytes();
    const auto add = [&](range r) {
        const bool disjoint = !all.meets(r);
        all.insert(r);
        sum += r.size();
        return disjoint;
    };
    for (const auto& [begin, b] : s.live) {
        if (!add(extent(begin, b))) return "model.I1";
    }
    if (s.stack_space.size() != 0 && !add(s.stack_space)) return "model.I1";
    for (const range& frame : s.frames) {
        if (!s.stack_space.contains(frame)) return "model.I2";
    }
    if (common(all, s.mapped) != all) return "model.I2";
    return sum == s.mapped.bytes() ? std::string_view{} : "model.I3";
}

}  // namespace model
}  // namespace ashlar::testing
