// How waiters go on: one after another, however they set each other free.
#include <catch2/catch.hpp>

#include "ashlar/async/pool_waiter.hpp"

using namespace ashlar;

namespace {
struct chained : pool_waiter {
    chained() : pool_waiter([](pool_waiter& w) noexcept { static_cast<chained&>(w).run(); }) {}
    void run() {
        deepest = ++depth > deepest ? depth : deepest;
        ++ran;
        if (next != nullptr) resume_at_once.resume(resume_at_once.context, *next);
        --depth;
    }
    chained* next = nullptr;
    static inline int depth = 0, deepest = 0, ran = 0;
};
}  // namespace

TEST_CASE("pool_waiter: a thousand that set each other free go on one after another, not one within another", "[async][pool_waiter]") {
    static chained all[1000];
    for (int i = 0; i < 999; ++i) all[i].next = &all[i + 1];
    resume_at_once.resume(nullptr, all[0]);
    CHECK(chained::ran == 1000);
    CHECK(chained::deepest == 1);
}

TEST_CASE("pool_waiter: one whose frame goes first is forgotten", "[async][pool_waiter]") {
    static chained last;
    struct first : pool_waiter {
        first() : pool_waiter([](pool_waiter&) noexcept {
            resume_at_once.resume(nullptr, last);
            ready_waiters::forget(last);
        }) {}
    } one;
    chained::ran = 0;
    resume_at_once.resume(nullptr, one);
    CHECK(chained::ran == 0);
    CHECK_FALSE(last.is_linked());
}
