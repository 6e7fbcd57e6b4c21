#include "ashlar/testing/explored_memory.hpp"

#include <catch2/catch.hpp>

using namespace ashlar::testing;

namespace {
struct two_threads {
    explored_memory m;
    int words[2]{};
    unsigned x, y;
    explored_memory::choices found;
    two_threads() {
        m.begin();
        x = m.add_place(&words[0], 0, 0, 0);
        y = m.add_place(&words[1], 0, 0, 0);
        m.tick(0);
        m.tick(1);
    }
    auto write(unsigned t, unsigned p, std::uint64_t value, bool release) {
        m.tick(t);
        m.writable(t, p, false, found);
        const auto s = m.write(t, p, value, found.front(), false, release);
        m.tick(t);
        return s;
    }
    void read(unsigned t, explored_memory::store_number s, bool acquire) {
        m.tick(t);
        m.read(t, s, acquire);
        m.tick(t);
    }
    std::size_t ways_to_read(unsigned t, unsigned p) {
        m.readable(t, p, false, false, found);
        return found.size();
    }
};
}  // namespace

TEST_CASE("explored_memory: a store that was acquired hides what was stored before those that its thread knew", "[testing][explored_memory]") {
    two_threads w;
    w.write(0, w.x, 1, false);
    const auto flag = w.write(0, w.y, 1, true);
    CHECK(w.ways_to_read(1, w.x) == 2);
    w.read(1, flag, true);
    CHECK(w.ways_to_read(1, w.x) == 1);  // explored_memory.I2
    CHECK(w.m.at(w.found[0]).value == 1);
}

TEST_CASE("explored_memory: a store that was read relaxed hides only what is before it in its own word", "[testing][explored_memory]") {
    two_threads w;
    w.write(0, w.x, 1, false);
    const auto flag = w.write(0, w.y, 1, true);
    w.read(1, flag, false);
    CHECK(w.ways_to_read(1, w.x) == 2);
    CHECK(w.ways_to_read(1, w.y) == 1);
    w.m.fence(1, true, false, false);  // and an acquire fence makes it known after all
    CHECK(w.ways_to_read(1, w.x) == 1);
}

TEST_CASE("explored_memory: nothing comes between a read-modify-write and what it read", "[testing][explored_memory]") {
    two_threads w;
    const auto first = w.m.place_at(w.x).order.front();
    w.m.tick(0);
    w.m.write(0, w.x, 1, first, true, false);
    w.m.writable(1, w.x, false, w.found);
    CHECK(w.found.size() == 1);  // explored_memory.I1: behind the second alone
    w.m.readable(1, w.x, false, true, w.found);
    CHECK(w.found.size() == 1);  // nor may another one read the first
}

TEST_CASE("explored_memory: a store may take any place behind what its thread knows", "[testing][explored_memory]") {
    two_threads w;
    w.write(0, w.x, 1, false);
    w.m.writable(1, w.x, false, w.found);
    CHECK(w.found.size() == 2);
    w.m.writable(0, w.x, false, w.found);
    CHECK(w.found.size() == 1);
}
