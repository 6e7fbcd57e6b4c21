#include "ashlar/testing/fiber.hpp"

#include <catch2/catch.hpp>

using namespace ashlar::testing;

namespace {
struct counting {
    fiber f;
    int seen = 0;
    static void body(void* argument) {
        auto& me = *static_cast<counting*>(argument);
        for (int mine = 1; mine <= 3; ++mine) {
            me.seen = mine;
            me.f.leave();
        }
        me.seen = -1;
        me.f.leave_for_good();
    }
};
}  // namespace

TEST_CASE("fiber: goes on where it left, with what was on its stack", "[testing][fiber]") {
    counting one, two;
    one.f.begin(&counting::body, &one);
    two.f.begin(&counting::body, &two);
    for (int i = 1; i <= 3; ++i) {
        one.f.enter();
        CHECK(one.seen == i);  // fiber.I1
        two.f.enter();
        CHECK(two.seen == i);
    }
    one.f.enter();
    CHECK(one.seen == -1);
}

TEST_CASE("fiber: begun anew it forgets what it was doing", "[testing][fiber]") {
    counting one;
    for (int round = 0; round < 3; ++round) {
        one.f.begin(&counting::body, &one);
        one.f.enter();
        one.f.enter();
        CHECK(one.seen == 2);
    }
}

TEST_CASE("fiber: code in it finds its stack aligned and deep enough for a few kilobytes", "[testing][fiber]") {
    struct deep {
        fiber f;
        std::uintptr_t at = 1;
        double sum = 0;
        static void body(void* argument) {
            auto& me = *static_cast<deep*>(argument);
            alignas(16) volatile double room[1024]{};
            for (int i = 0; i < 1024; ++i) room[i] = i * 0.5;
            me.at = reinterpret_cast<std::uintptr_t>(&room[0]) % 16;
            me.sum = room[1023];
            me.f.leave_for_good();
        }
    } d;
    d.f.begin(&deep::body, &d);
    d.f.enter();
    CHECK(d.at == 0);
    CHECK(d.sum == 511.5);
}
