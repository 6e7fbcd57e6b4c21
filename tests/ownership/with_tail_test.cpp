#include "ashlar/ownership/with_tail.hpp"

#include <catch2/catch.hpp>

#include "ashlar/ownership/rc.hpp"
#include "ledger.hpp"
#include "support/broken_contract.hpp"

using namespace ashlar;
using namespace owners;

namespace {
struct message {
    explicit message(int k) : kind(k) {}
    int kind;
};
struct alignas(32) lane {
    float x[8] = {};
};
}  // namespace

TEST_CASE("with_tail: the tail follows the head in the same block, aligned for its elements", "[ownership][with_tail]") {
    ledger a;
    {
        const auto m = make_rc<with_tail<message, lane>>(a, 5, 7).value();
        CHECK(m->kind == 7);
        CHECK(m.size() == 5);
        CHECK(m.tail().size() == 5);
        CHECK(reinterpret_cast<std::uintptr_t>(m.tail().data()) % 32 == 0);
        CHECK(reinterpret_cast<std::byte*>(m.tail().data()) == reinterpret_cast<std::byte*>(m.get()) + 32);
        float sum = 0;
        for (const lane& l : m.tail()) sum += l.x[7];
        CHECK(sum == 0);
        CHECK_FALSE(support::broken_contract([&] { static_cast<void>(m.tail()[5]); }).empty());
        CHECK(a.granted == 1);
    }
    CHECK(a.settled());
}

TEST_CASE("with_tail: whichever constructor throws, head and tail leave nothing behind", "[ownership][with_tail]") {
    ledger a;
    for (int at = 1; at <= 5; ++at) {
        fragile::start(at);
        CHECK_THROWS(make_rc<with_tail<fragile, fragile>>(a, 4, 1).has_value());
        CHECK(fragile::alive == 0);
        CHECK(a.settled());
    }
    fragile::start();
    { const auto whole = make_rc<with_tail<fragile, fragile>>(a, 4, 1).value(); }
    CHECK(fragile::made == 5);
    CHECK(fragile::alive == 0);
    CHECK(a.settled());
}

TEST_CASE("with_tail: a tail of none is a head alone, and one that no layout holds is refused", "[ownership][with_tail]") {
    ledger a;
    CHECK(make_rc<with_tail<message, lane>>(a, 0, 1).value().tail().size() == 0);
    CHECK_FALSE(make_rc<with_tail<message, lane>>(a, hidden(SIZE_MAX / 32), 1));
    CHECK_FALSE(make_rc<with_tail<message, char>>(a, hidden(layout::max_size - 8), 1));
    CHECK(a.settled());
}
