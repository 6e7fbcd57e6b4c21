#include "ashlar/ownership/rc.hpp"

#include <catch2/catch.hpp>

#include "ledger.hpp"

using namespace ashlar;
using namespace owners;

namespace {

struct chained {
    rc<chained, plain_heap> next;
    weak_rc<chained, plain_heap> before;
};

rc<chained, plain_heap> chain(int length, bool doubly) {
    plain_heap heap;
    rc<chained, plain_heap> head;
    for (int i = 0; i < length; ++i) {
        auto node = make_rc<chained>(heap).value();
        if (doubly && head) head->before = node;
        node->next = std::move(head);
        head = std::move(node);
    }
    return head;
}

struct ring {
    rc<ring, ledger> strong;
    weak_rc<ring, ledger> weak;
    ~ring() { ++ended; }
    static inline int ended = 0;
};

/// Ends other values of its own type from its destructor, and looks at itself while it dies.
struct meddler {
    rc<meddler, ledger> friend_of_mine;
    weak_rc<meddler, ledger> self;
    ~meddler() {
        saw_itself = saw_itself || static_cast<bool>(self.upgrade());
        friend_of_mine.reset();
    }
    static inline bool saw_itself = false;
};

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int very_long = 60'000;  // sanitizers make each step slow, and stacks deeper: recursion would still show
#else
constexpr int very_long = 10'000'000;
#endif

TEST_CASE("rc: a list of ten million is released without recursion", "[ownership][rc]") {
    auto list = chain(very_long, false);
    const weak_rc<chained, plain_heap> first(list);
    list.reset();
    CHECK(first.expired());
}

TEST_CASE("rc: a doubly linked list, whose nodes all have weak handles, is released without recursion too",
          "[ownership][rc]") {
    auto list = chain(very_long / 10, true);
    const weak_rc<chained, plain_heap> first(list);
    list.reset();
    CHECK(first.expired());
}

TEST_CASE("rc: a value that refers to itself is never destroyed; a weak handle instead is the remedy", "[ownership][rc]") {
    ledger a;
    ring::ended = 0;
    {
        const auto self = make_rc<ring>(a).value();
        self->strong = self;
    }
    CHECK(ring::ended == 0);  // leaked by definition: nobody can reach it any more
    CHECK(a.live() == 1);
    a.forget();
    {
        const auto self = make_rc<ring>(a).value();
        self->weak = self;
        CHECK(self->weak.upgrade() == self);
    }
    CHECK(ring::ended == 1);
    CHECK(a.settled());
}

TEST_CASE("rc: a destructor cannot bring its value back, and may drop others", "[ownership][rc]") {
    ledger a;
    {
        auto first = make_rc<meddler>(a).value();
        first->self = first;
        first->friend_of_mine = make_rc<meddler>(a).value();
        first->friend_of_mine->self = first->friend_of_mine;
    }
    CHECK_FALSE(meddler::saw_itself);
    CHECK(a.settled());
}

TEST_CASE("rc: over a region or a stateless allocator a handle costs 8 bytes in front of the value", "[ownership][rc]") {
    region r;
    const auto one = make_rc<long>(r, 1).value();
    CHECK(r.live_bytes() == 16);
    public_ledger all;
    {
        const auto two = make_rc<long>(all, 2).value();
        CHECK(public_ledger::entries().live_bytes() == 16);
    }
    CHECK(public_ledger::entries().settled());
}
