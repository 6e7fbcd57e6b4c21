// tests/support/compositions.hpp - makes compositions of a strategy and one or two adaptors, and puts each under the laws.
//
// One file of tests/compose a strategy: ASHLAR_COMPOSE(index, name, base). Each adaptor stands alone on every strategy;
// of the pairs (outer, inner) each strategy takes its share, so that together they take all.
#pragma once

#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ashlar/compose/affix.hpp"
#include "ashlar/compose/bucketize.hpp"
#include "ashlar/compose/cached.hpp"
#include "ashlar/compose/choice.hpp"
#include "ashlar/compose/fallback.hpp"
#include "ashlar/compose/guarded.hpp"
#include "ashlar/compose/limited.hpp"
#include "ashlar/compose/locked.hpp"
#include "ashlar/compose/segregate.hpp"
#include "ashlar/compose/tracked.hpp"
#include "ashlar/compose/validated.hpp"
#include "support/erased_laws.hpp"

namespace ashlar::tests {

using testing::ground;
using ground_heap = ground::upstream_type;

// An adaptor on anything: a holder whose top() is the allocator; its name; whether it needs `owns` below; and whether it
// gives back what it keeps before it refuses, which the law of strong failure does not allow. What shares_ground owns the
// whole ground, so nothing that needs `owns` of it can stand on it beside the ground.
template <class A>
struct on_locked {
    static constexpr const char* name = "locked";
    static constexpr bool needs_owns = false, keeps_memory = false, shares_ground = false;
    on_locked(A& a, ground&) : it(a) {}
    auto& top() { return it; }
    locked<A, null_mutex> it;
};
template <class A>
struct on_tracked {
    static constexpr const char* name = "tracked";
    static constexpr bool needs_owns = false, keeps_memory = false, shares_ground = false;
    on_tracked(A& a, ground&) : it(a) {}
    auto& top() { return it; }
    tracked<A, live_bytes, peak_bytes, live_blocks, size_histogram, block_records<>> it;
};
template <class A>
struct on_limited {
    static constexpr const char* name = "limited";
    static constexpr bool needs_owns = false, keeps_memory = false, shares_ground = false;
    on_limited(A& a, ground&) : it(a, {.bytes = 100'000, .blocks = 50}) {}
    auto& top() { return it; }
    limited<A> it;
};
template <class A>
struct on_cached {
    static constexpr const char* name = "cached";
    static constexpr bool needs_owns = false, keeps_memory = true, shares_ground = false;
    on_cached(A& a, ground&) : it(a) {}
    auto& top() { return it; }
    cached<A, 4, 512> it;
};
template <class A>
struct on_affix {
    static constexpr const char* name = "affix";
    static constexpr bool needs_owns = false, keeps_memory = false, shares_ground = false;
    on_affix(A& a, ground&) : it(a) {}
    auto& top() { return it; }
    affix<int, long, A> it;
};
template <class A>
struct on_guarded {
    static constexpr const char* name = "guarded";
    static constexpr bool needs_owns = false, keeps_memory = false, shares_ground = false;
    on_guarded(A& a, ground&) : it(a) {}
    auto& top() { return it; }
    guarded<A, 0> it;
};
template <class A>
struct on_validated {
    static constexpr const char* name = "validated";
    static constexpr bool needs_owns = false, keeps_memory = false, shares_ground = false;
    on_validated(A& a, ground&) : it(a) {}
    auto& top() { return it; }
    validated<A> it;
};
template <class A>
struct on_fallback {
    static constexpr const char* name = "fallback";
    static constexpr bool needs_owns = true, keeps_memory = false, shares_ground = true;
    on_fallback(A& a, ground& g) : it(a, g.upstream()) {}
    auto& top() { return it; }
    fallback<A, ground_heap> it;
};
template <class A>
struct on_segregate {
    static constexpr const char* name = "segregate";
    static constexpr bool needs_owns = false, keeps_memory = false, shares_ground = true;
    on_segregate(A& a, ground& g) : it(a, g.upstream(), a) {}
    auto& top() { return it; }
    segregate<up_to<100, A>, up_to<1000, ground_heap>, A> it;
};
struct by_alignment {
    std::size_t operator()(layout l) const noexcept { return l.align() > 16 ? 1 : 0; }
};
template <class A>
struct on_choice {
    static constexpr const char* name = "choice";
    static constexpr bool needs_owns = true, keeps_memory = false, shares_ground = true;
    on_choice(A& a, ground& g) : it({}, a, g.upstream()) {}
    auto& top() { return it; }
    choice<by_alignment, A, ground_heap> it;
};
template <class A>
struct on_bucketize {
    static constexpr const char* name = "bucketize";
    static constexpr bool needs_owns = false, keeps_memory = false, shares_ground = false;
    on_bucketize(A& a, ground&) : buckets([&a](std::size_t) { return locked<A, null_mutex>(a); }), it(buckets, a) {}
    auto& top() { return it; }
    bucketize<1, 128, 32, locked<A, null_mutex>> buckets;
    segregate<up_to<128, bucketize<1, 128, 32, locked<A, null_mutex>>>, A> it;
};

inline constexpr std::size_t adaptor_count = 11;
inline constexpr std::size_t composed_strategies = 4;

template <std::size_t I, class A>
using adaptor = std::tuple_element_t<I, std::tuple<on_locked<A>, on_tracked<A>, on_limited<A>, on_cached<A>, on_affix<A>,
                                                   on_guarded<A>, on_validated<A>, on_fallback<A>, on_segregate<A>,
                                                   on_choice<A>, on_bucketize<A>>>;

/// The pairs (outer, inner) that the s-th strategy takes.
constexpr bool takes_pair(std::size_t s, std::size_t outer, std::size_t inner) {
    return (outer + inner) % composed_strategies == s;
}
inline std::vector<std::pair<std::size_t, std::size_t>> pairs_of_strategy(std::size_t s) {
    std::vector<std::pair<std::size_t, std::size_t>> all;
    for (std::size_t outer = 0; outer < adaptor_count; ++outer) {
        for (std::size_t inner = 0; inner < adaptor_count; ++inner) {
            if (takes_pair(s, outer, inner)) all.emplace_back(outer, inner);
        }
    }
    return all;
}

/// Base: a holder made from a ground, whose top() is a strategy; keeps_region: it does not give all back when all is free.
template <class Base>
using strategy_of = std::remove_reference_t<decltype(std::declval<Base&>().top())>;

template <class Base, std::size_t I>
struct one_adaptor {
    using adaptor_type = adaptor<I, strategy_of<Base>>;
    explicit one_adaptor(ground& g) : base(g), it(base.top(), g) {}
    auto& top() { return it.top(); }
    Base base;
    adaptor_type it;
};
template <class Base, std::size_t Outer, std::size_t Inner>
struct two_adaptors {
    using adaptor_type = adaptor<Outer, strategy_of<one_adaptor<Base, Inner>>>;
    explicit two_adaptors(ground& g) : below(g), it(below.top(), g) {}
    auto& top() { return it.top(); }
    one_adaptor<Base, Inner> below;
    adaptor_type it;
};

template <class Whole>
void put_under_laws(const std::string& name, bool keeps_memory, bool keeps_region) {
    std::vector<erased_statement> said;
    if (keeps_region) {
        said.emplace_back(testing::excuse(testing::law::reversibility, "the strategy keeps a region until it is trimmed"));
    }
    if (keeps_memory) {
        said.emplace_back(testing::excuse(testing::law::strong_failure, "what is kept goes back before it refuses"));
    }
    enrol_erased(name, erase([](ground& g) { return Whole(g); }, false), said, thoroughness::brief);
}

template <class Base, std::size_t I>
void compose_one(const std::string& name) {
    using on = adaptor<I, testing::erased>;
    if constexpr (!on::needs_owns || owning<strategy_of<Base>>) {
        put_under_laws<one_adaptor<Base, I>>(std::string(on::name) + "<" + name + ">", on::keeps_memory,
                                            Base::keeps_region);
    }
}
template <class Base, std::size_t S, std::size_t Pair>
void compose_two(const std::string& name) {
    constexpr std::size_t outer = Pair / adaptor_count, inner = Pair % adaptor_count;
    if constexpr (takes_pair(S, outer, inner)) {
        using over = adaptor<outer, testing::erased>;
        using under = adaptor<inner, testing::erased>;
        if constexpr (!under::needs_owns || owning<strategy_of<Base>>) {
            if constexpr (!over::needs_owns || (!under::shares_ground && owning<strategy_of<one_adaptor<Base, inner>>>)) {
                put_under_laws<two_adaptors<Base, outer, inner>>(
                    std::string(over::name) + "<" + under::name + "<" + name + ">>",
                    over::keeps_memory || under::keeps_memory, Base::keeps_region);
            }
        }
    }
}
template <class Base, std::size_t... I>
void compose_each(const std::string& name, std::index_sequence<I...>) {
    (compose_one<Base, I>(name), ...);
}
template <class Base, std::size_t S, std::size_t... Pair>
void compose_pairs(const std::string& name, std::index_sequence<Pair...>) {
    (compose_two<Base, S, Pair>(name), ...);
}

}  // namespace ashlar::tests
