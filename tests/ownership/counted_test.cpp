#include "ashlar/ownership/counted.hpp"

#include <catch2/catch.hpp>

#include "ashlar/ownership/arc.hpp"
#include "ashlar/ownership/rc.hpp"
#include "ledger.hpp"
#include "support/broken_contract.hpp"

using namespace ashlar;
using namespace owners;

// What rc and arc have in common; rc_test.cpp and arc_test.cpp show what each is for.
namespace {
template <class Counts>
struct handles {
    template <class T, class A, class... Args>
        requires(!payload<T>::unsized)
    static auto make(A& a, Args&&... args) {
        return make_counted_value<T, Counts>(a, std::forward<Args>(args)...);
    }
    template <class T, class A, class... Args>
        requires payload<T>::unsized
    static auto make(A& a, std::size_t n, Args&&... args) {
        return make_counted_value<T, Counts>(a, n, std::forward<Args>(args)...);
    }
};
struct base {
    virtual ~base() = default;
    int number = 1;
};
struct other_base {
    virtual ~other_base() = default;
};
struct derived : base, other_base {
    ~derived() override { ++ended; }
    static inline int ended = 0;
    char more[100] = {};
};
}  // namespace

TEMPLATE_TEST_CASE("counted: every handle is one pointer", "[ownership][counted]", local_counts, shared_counts<>) {
    STATIC_REQUIRE(sizeof(counted<int, ledger, TestType>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(counted<int[], ledger, TestType>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(counted<base, ledger, TestType>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(counted<with_tail<int, int>, ledger, TestType>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(counted_weak<base, ledger, TestType>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(result<counted<int, ledger, TestType>>) == sizeof(void*));
}

TEMPLATE_TEST_CASE("counted: the value lives as long as a strong handle, the block as long as any", "[ownership][counted]",
                   local_counts, shared_counts<>) {
    ledger a;
    fragile::start();
    auto first = handles<TestType>::template make<fragile>(a, 5).value();
    auto second = first;
    CHECK(first == second);
    CHECK(first.strong_count() == 2);
    counted_weak<fragile, ledger, TestType> watcher(second);
    first.reset();
    CHECK(watcher.upgrade()->value == 5);
    CHECK(second.weak_count() == 1);
    second = {};
    CHECK(fragile::alive == 0);
    CHECK(watcher.expired());
    CHECK_FALSE(watcher.upgrade());
    CHECK(a.live() == 1);
    const auto copy = watcher;  // empty: a dead value is not counted up
    watcher.reset();
    CHECK(a.settled());
    CHECK(copy.expired());
}

TEMPLATE_TEST_CASE("counted: moving, self-assignment and empty handles", "[ownership][counted]", local_counts,
                   shared_counts<>) {
    ledger a;
    auto first = handles<TestType>::template make<int>(a, 1).value();
    auto moved = std::move(first);
    CHECK_FALSE(first);
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(*first); }).empty());
    auto& same = moved;
    moved = same;
    moved = std::move(same);
    CHECK(*moved == 1);
    CHECK(moved.unique());
    first = moved;
    const auto& itself = first;
    first = itself;
    CHECK(first.strong_count() == 2);
    counted<int, ledger, TestType> none, none_too(none);
    CHECK(none == none_too);
    CHECK(none.strong_count() == 0);
    CHECK_FALSE(none.unique());
    CHECK_FALSE(counted_weak<int, ledger, TestType>(none).upgrade());
}

TEMPLATE_TEST_CASE("counted: of a base gives back the whole derived object", "[ownership][counted]", local_counts,
                   shared_counts<>) {
    ledger a;
    derived::ended = 0;
    {
        const auto d = handles<TestType>::template make<derived>(a).value();
        const counted<base, ledger, TestType> b = d;
        const counted<const base, ledger, TestType> c = b;
        const counted_weak<base, ledger, TestType> w = d;
        CHECK(c->number == 1);
        CHECK(d.strong_count() == 3);
        CHECK(w.upgrade() == b);
    }
    CHECK(derived::ended == 1);
    CHECK(a.settled());
    STATIC_REQUIRE_FALSE(counted_as<derived, other_base>);  // does not begin where derived does
}

TEMPLATE_TEST_CASE("counted: a lone owner may change the value, others get a copy first", "[ownership][counted]",
                   local_counts, shared_counts<>) {
    ledger a;
    auto mine = handles<TestType>::template make<int>(a, 1).value();
    CHECK(*mine.get_mut() == 1);
    const auto yours = mine;
    CHECK(mine.get_mut() == nullptr);
    *mine.make_mut(a) = 2;
    CHECK(*yours == 1);
    CHECK(*mine == 2);
    CHECK(a.granted == 2);
    *mine.make_mut(a) = 3;  // alone: no copy
    CHECK(a.granted == 2);
    const counted_weak<int, ledger, TestType> watcher(mine);
    CHECK(mine.get_mut() == nullptr);
    const auto theirs = mine;
    a.plan.arm(1, failure::once);
    CHECK_FALSE(mine.make_mut(a));
    CHECK(mine == theirs);
}

TEMPLATE_TEST_CASE("counted: refusals and throwing constructors leave nothing behind", "[ownership][counted]", local_counts,
                   shared_counts<>) {
    ledger a;
    a.plan.arm(1, failure::once);
    CHECK_FALSE(handles<TestType>::template make<int>(a, 1));
    CHECK_FALSE(handles<TestType>::template make<int[]>(a, hidden(SIZE_MAX / 2)));
    for (int at = 1; at <= 4; ++at) {
        fragile::start(at);
        CHECK_THROWS(handles<TestType>::template make<fragile[]>(a, 4, 1).has_value());
        CHECK(fragile::alive == 0);
        CHECK(a.settled());
    }
    fragile::start();
    {
        const auto many = handles<TestType>::template make<fragile[]>(a, 4, 9).value();
        int sum = 0;
        for (const fragile& f : many) sum += f.value;
        CHECK(sum == 36);
        CHECK_FALSE(support::broken_contract([&] { static_cast<void>(many[4]); }).empty());
    }
    CHECK(fragile::alive == 0);
    CHECK(handles<TestType>::template make<int[]>(a, 0).value().size() == 0);
    CHECK(a.settled());
}
