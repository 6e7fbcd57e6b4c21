// tests/support/compositions.hpp - makes compositions of a strategy and one or two adaptors, and puts each under the laws.
//
// One file of tests/compose a strategy: a base, and compositions<base, S>. Each adaptor stands alone on every strategy;
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

/// Base: a holder made from a ground, whose top() is a strategy.
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
void put_under_laws(const std::string& name, bool keeps_memory) {
    std::vector<erased_statement> said;
    if (keeps_memory) {
        said.emplace_back(testing::excuse(testing::law::strong_failure, "what is kept goes back before it refuses"));
    }
    enrol_erased(name, erase([](ground& g) { return Whole(g); }, false), said, thoroughness::brief);
}

/// Whether the adaptor can stand on the strategy; whether the s-th strategy takes the pair, and both can stand.
template <class Base, std::size_t I>
constexpr bool stands = !adaptor<I, testing::erased>::needs_owns || owning<strategy_of<Base>>;

template <class Base, std::size_t S, std::size_t Pair>
constexpr bool pair_stands() {
    constexpr std::size_t outer = Pair / adaptor_count, inner = Pair % adaptor_count;
    if constexpr (takes_pair(S, outer, inner) && stands<Base, inner>) {
        if constexpr (!adaptor<outer, testing::erased>::needs_owns) return true;
        else return !adaptor<inner, testing::erased>::shares_ground && owning<strategy_of<one_adaptor<Base, inner>>>;
    }
    return false;
}

template <class Base, std::size_t I>
void compose_one(const std::string& name) {
    using on = adaptor<I, testing::erased>;
    if constexpr (stands<Base, I>) {
        put_under_laws<one_adaptor<Base, I>>(std::string(on::name) + "<" + name + ">", on::keeps_memory);
    }
}
template <class Base, std::size_t S, std::size_t Pair>
void compose_two(const std::string& name) {
    if constexpr (pair_stands<Base, S, Pair>()) {
        constexpr std::size_t outer = Pair / adaptor_count, inner = Pair % adaptor_count;
        using over = adaptor<outer, testing::erased>;
        using under = adaptor<inner, testing::erased>;
        put_under_laws<two_adaptors<Base, outer, inner>>(std::string(over::name) + "<" + under::name + "<" + name + ">>",
                                                         over::keeps_memory || under::keeps_memory);
    }
}

/// What one strategy has put under the laws: each file of tests/compose that composes one says so when the program begins.
struct composed {
    std::string strategy;
    std::size_t singles;
    std::size_t pairs;

    static std::vector<composed>& all() {
        static std::vector<composed> every;
        return every;
    }
};

/// The S-th strategy's compositions, for its file: say() how many, try the singles(), try the pairs().
template <class Base, std::size_t S>
struct compositions {
    using each_adaptor = std::make_index_sequence<adaptor_count>;
    using each_pair = std::make_index_sequence<adaptor_count * adaptor_count>;

    template <std::size_t... I>
    static constexpr std::size_t count_singles(std::index_sequence<I...>) {
        return (std::size_t{stands<Base, I>} + ...);
    }
    template <std::size_t... P>
    static constexpr std::size_t count_pairs(std::index_sequence<P...>) {
        return (std::size_t{pair_stands<Base, S, P>()} + ...);
    }
    template <std::size_t... I>
    static void try_singles(const std::string& name, std::index_sequence<I...>) {
        (compose_one<Base, I>(name), ...);
    }
    template <std::size_t... P>
    static void try_pairs(const std::string& name, std::index_sequence<P...>) {
        (compose_two<Base, S, P>(name), ...);
    }

    static bool say(const std::string& name) {
        composed::all().push_back({name, count_singles(each_adaptor()), count_pairs(each_pair())});
        return true;
    }
    static void singles(const std::string& name) { try_singles(name, each_adaptor()); }
    static void pairs(const std::string& name) { try_pairs(name, each_pair()); }
};

}  // namespace ashlar::tests
