#include "ashlar/compose/usage_watch.hpp"

#include <catch2/catch.hpp>

using namespace ashlar;

namespace {
std::byte room[256];
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("usage_watch: counts sizes, turns, and frees of the newest block", "[compose][usage_watch]") {
    usage_watch w;
    for (int i = 0; i < 4; ++i) w.granted(room + i, bytes(40));
    w.freed(room + 3);  // the newest
    w.freed(room + 1);
    w.freed(room + 2);  // the newest of those left
    w.granted(room + 5, bytes(5000));
    const usage seen = w.seen();
    CHECK((seen.watched == 5 && seen.watched_frees == 3 && seen.turns == 1 && seen.newest_first == 2));  // usage_watch.I1
    CHECK((seen.distinct == 2 && seen.commonest == 4 && seen.above_page == 1));
    CHECK((seen.bytes == 5160 && seen.small_bytes == 160));
    w.begin();
    CHECK((w.grants() == 0 && w.seen().bytes == 0 && w.seen().distinct == 0));
}

TEST_CASE("usage_watch: of a long run the newest blocks are known, and sizes without a class are one class", "[compose][usage_watch]") {
    usage_watch w;
    for (int i = 0; i < 200; ++i) w.granted(room + i, bytes(i % 2 == 0 ? 100'000 : layout::max_size - 8));
    for (int i = 200; i-- != 0;) w.freed(room + i);
    CHECK((w.seen().newest_first >= 4 && w.seen().newest_first <= 8));
    CHECK((w.seen().distinct == 1 && w.seen().above_page == 200 && w.seen().small_bytes == 0));
}
