// Every adaptor forwards just the abilities of what it wraps. Checked for upstreams with none, each one, all but one and
// all of the abilities; what an adaptor does not forward is stated in its row, with the reason.
#include <catch2/catch.hpp>
#include <type_traits>
#include <utility>

#include "ashlar/compose/adaptive.hpp"
#include "ashlar/compose/affix.hpp"
#include "ashlar/compose/any_ref.hpp"
#include "ashlar/compose/bucketize.hpp"
#include "ashlar/compose/cached.hpp"
#include "ashlar/compose/choice.hpp"
#include "ashlar/compose/failing.hpp"
#include "ashlar/compose/fallback.hpp"
#include "ashlar/compose/guarded.hpp"
#include "ashlar/compose/limited.hpp"
#include "ashlar/compose/locked.hpp"
#include "ashlar/compose/page_guarded.hpp"
#include "ashlar/compose/preallocated.hpp"
#include "ashlar/compose/resource.hpp"
#include "ashlar/compose/segregate.hpp"
#include "ashlar/compose/thread_cached.hpp"
#include "ashlar/compose/tracked.hpp"
#include "ashlar/compose/validated.hpp"

using namespace ashlar;

namespace {

enum : unsigned {
    grow = 1,
    shrink = 2,
    realloc_ = 4,
    zero = 8,
    own = 16,
    reset_ = 32,
    forecast = 64,
    walk = 128,
    threads = 256,
    optional_free = 512,
    trim_ = 1024,
    everything = 2047,
};
constexpr unsigned when_any = grow | shrink | realloc_ | zero | trim_;  // of several members, one is enough
constexpr unsigned when_all = everything & ~when_any;

/// Has just the abilities of the mask.
template <unsigned M>
struct fake {
    static constexpr bool is_thread_safe = (M & threads) != 0;
    static constexpr bool deallocate_is_optional = (M & optional_free) != 0;
    explicit fake(block) {}
    fake() = default;
    result<block> allocate(layout) noexcept { return alloc_error{}; }
    void deallocate(std::byte*, layout) noexcept {}
    result<block> grow_in_place(std::byte*, layout, layout) noexcept requires((M & grow) != 0) { return alloc_error{}; }
    result<block> shrink_in_place(std::byte*, layout, layout) noexcept requires((M & shrink) != 0) { return alloc_error{}; }
    result<block> reallocate(std::byte*, layout, layout, std::size_t) noexcept requires((M & realloc_) != 0) {
        return alloc_error{};
    }
    result<block> allocate_zeroed(layout) noexcept requires((M & zero) != 0) { return alloc_error{}; }
    bool owns(const std::byte*) const noexcept requires((M & own) != 0) { return false; }
    void reset() noexcept requires((M & reset_) != 0) {}
    bool available(layout) const noexcept requires((M & forecast) != 0) { return false; }
    void trim() noexcept requires((M & trim_) != 0) {}
    template <class Visit>
    void for_each_free(Visit) const requires((M & walk) != 0) {}
};

template <class A>
constexpr unsigned abilities_of() {
    return (growable<A> ? grow : 0U) | (shrinkable<A> ? shrink : 0U) | (reallocating<A> ? realloc_ : 0U) |
           (zeroing<A> ? zero : 0U) | (owning<A> ? own : 0U) | (resettable<A> ? reset_ : 0U) |
           (forecasting<A> ? forecast : 0U) | (walkable<A> ? walk : 0U) | (thread_safe<A> ? threads : 0U) |
           (optional_deallocate<A> ? optional_free : 0U) | (trimmable<A> ? trim_ : 0U);
}
static_assert(abilities_of<fake<0>>() == 0 && abilities_of<fake<everything>>() == everything);

struct always_first {
    std::size_t operator()(layout) const noexcept { return 0; }
};
struct counts_requests {
    std::size_t seen = 0;
    std::size_t operator()(layout) noexcept { return seen++ % 2; }
};
struct real_mutex {
    void lock() noexcept {}
    void unlock() noexcept {}
};

// One row an adaptor over one upstream: what it does not forward, what it adds, what it needs. The reasons are in
// include/ashlar/compose/README.md.
template <unsigned M>
using on_locked = locked<fake<M>, real_mutex>;
template <unsigned M>
using on_null_locked = locked<fake<M>, null_mutex>;
template <unsigned M>
using on_tracked = tracked<fake<M>, live_bytes>;
template <unsigned M>
using on_untracked = tracked<fake<M>>;
template <unsigned M>
using on_limited = limited<fake<M>>;
template <unsigned M>
using on_affix = affix<int, long, fake<M>>;
template <unsigned M>
using on_guarded = guarded<fake<M>>;
template <unsigned M>
using on_validated = validated<fake<M>>;
template <unsigned M>
using on_failing = failing<fake<M>>;
template <unsigned M>
using on_cached = cached<fake<M>>;
template <unsigned M>
using on_thread_cached = thread_cached<fake<M>>;
template <unsigned M>
using on_bucketize = bucketize<1, 64, 16, fake<M>>;
template <unsigned M>
    requires std::is_constructible_v<any_ref, fake<M>&>
using on_any_ref = any_ref;

template <template <unsigned> class Adaptor, unsigned Lost, unsigned Added, unsigned Needed, unsigned M>
constexpr bool row_holds = abilities_of<Adaptor<M | Needed>>() == (((M | Needed) & ~Lost) | Added);

template <template <unsigned> class Adaptor, unsigned Lost = 0, unsigned Added = 0, unsigned Needed = 0, unsigned... Bit>
constexpr bool forwards_all_but(std::integer_sequence<unsigned, Bit...>) {
    return row_holds<Adaptor, Lost, Added, Needed, 0> && row_holds<Adaptor, Lost, Added, Needed, everything> &&
           (row_holds<Adaptor, Lost, Added, Needed, 1U << Bit> && ...) &&
           (row_holds<Adaptor, Lost, Added, Needed, everything & ~(1U << Bit)> && ...);
}
constexpr auto each = std::make_integer_sequence<unsigned, 11>();

static_assert(forwards_all_but<on_locked, 0, threads>(each));
static_assert(forwards_all_but<on_null_locked>(each));
static_assert(forwards_all_but<on_untracked>(each));
static_assert(forwards_all_but<on_affix>(each));
static_assert(forwards_all_but<on_tracked, threads>(each));
static_assert(forwards_all_but<on_limited, threads>(each));
static_assert(forwards_all_but<on_guarded, threads, trim_>(each));
static_assert(forwards_all_but<on_validated, threads>(each));
static_assert(forwards_all_but<on_failing, threads>(each));
static_assert(forwards_all_but<on_cached, threads | forecast | walk, trim_>(each));
static_assert(forwards_all_but<on_thread_cached, reset_ | forecast | walk, trim_, threads>(each));
static_assert(forwards_all_but<on_bucketize, walk>(each));
static_assert(forwards_all_but<on_any_ref, when_all, when_any>(each));  // just what operations.hpp can do for every allocator

// Not on an allocator but on pages, and on a resource, which can do nothing besides.
static_assert(abilities_of<page_guarded<>>() == trim_);
static_assert(abilities_of<pmr_upstream>() == 0);

// Over several: what one of them can do or what all of them can do, as each ability has it.
constexpr unsigned joined(unsigned a, unsigned b) { return (when_any & (a | b)) | (when_all & a & b & ~walk); }
template <unsigned A, unsigned B>
using on_fallback = fallback<fake<A | own>, fake<B>>;
template <unsigned A, unsigned B>
using on_preallocated = preallocated<64, fake<A | own>, fake<B>>;
template <unsigned A, unsigned B>
using on_choice = choice<always_first, fake<A | own>, fake<B>>;
template <unsigned A, unsigned B>
using on_segregate = segregate<up_to<64, fake<A | own>>, fake<B>>;

template <template <unsigned, unsigned> class Adaptor, unsigned... Bit>
constexpr bool joins(std::integer_sequence<unsigned, Bit...>) {
    return ((abilities_of<Adaptor<1U << Bit, 0>>() == joined((1U << Bit) | own, 0) &&
             abilities_of<Adaptor<0, 1U << Bit>>() == joined(own, 1U << Bit) &&
             abilities_of<Adaptor<everything, 1U << Bit>>() == joined(everything, 1U << Bit) &&
             abilities_of<Adaptor<everything & ~(1U << Bit), everything>>() ==
                 joined((everything & ~(1U << Bit)) | own, everything)) &&
            ...) &&
           abilities_of<Adaptor<everything, everything>>() == joined(everything, everything);
}
static_assert(joins<on_fallback>(each));
static_assert(joins<on_choice>(each));
static_assert(joins<on_segregate>(each));
static_assert(joins<on_preallocated>(each));

// A decision that changes as it is asked can neither be foretold nor shared by threads.
static_assert(abilities_of<choice<counts_requests, fake<everything>, fake<everything>>>() ==
              (everything & ~(walk | forecast | threads)));

// An adaptive allocator counts without atomics and has memory of its own: that tells what is owned, and is trimmed.
template <unsigned M, int>
struct candidate : fake<M> {
    template <class Upstream>
    explicit candidate(ref<Upstream>) {}
};
template <unsigned M>
struct taking_turns {
    candidate_costs<2> operator()(const usage&) const noexcept { return {}; }
    template <class>
    using a = candidate<M, 0>;
    template <class>
    using b = candidate<everything, 1>;
    template <class>
    using c = candidate<0, 1>;
};
template <unsigned M>
using with_all = adaptive<taking_turns<M>, apportioned<2, fake<everything>>, taking_turns<M>::template a, taking_turns<M>::template b>;
template <unsigned M>
using with_none = adaptive<taking_turns<M>, apportioned<2, fake<everything>>, taking_turns<M>::template a, taking_turns<M>::template c>;
template <unsigned... Bit>
constexpr bool adapts(std::integer_sequence<unsigned, Bit...>) {
    return ((abilities_of<with_all<1U << Bit>>() == ((joined(1U << Bit, everything) & ~threads) | own | trim_)) && ...) &&
           ((abilities_of<with_none<1U << Bit>>() == ((joined(1U << Bit, 0) & ~threads) | own | trim_)) && ...) &&
           abilities_of<with_all<everything>>() == (everything & ~(threads | walk));
}
static_assert(adapts(each));
static_assert(abilities_of<apportioned<2, fake<0>>::share>() == own);
static_assert(abilities_of<apportioned<2, fake<everything>>::share>() == (own | forecast));

}  // namespace

TEST_CASE("abilities: an adaptor over an allocator without state is one itself where it has none", "[compose][abilities]") {
    CHECK(std::is_empty_v<affix<int, long, fake<0>>>);
    CHECK(std::is_empty_v<tracked<fake<0>>>);
    CHECK(std::is_empty_v<locked<fake<0>, null_mutex>>);
}
