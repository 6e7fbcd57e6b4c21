#include "ashlar/compose/counters.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace ashlar;

namespace {
layout bytes(std::size_t n) { return *layout::make(n, 8); }
std::byte somewhere[64];
}  // namespace

TEST_CASE("counters: the peak stays when bytes go, and a reset forgets what is live only", "[compose][counters]") {
    peak_bytes peak;
    peak.on_grant(somewhere, bytes(10));
    peak.on_release(somewhere, bytes(10));
    peak.on_grant(somewhere, bytes(7));
    CHECK((peak.value == 10 && peak.now_live == 7));
    peak.on_reset();
    CHECK((peak.value == 10 && peak.now_live == 0));
}

TEST_CASE("counters: a histogram has a place for what is larger than any class", "[compose][counters]") {
    size_histogram h;
    h.on_grant(somewhere, bytes(1));
    h.on_grant(somewhere, bytes(16));
    h.on_grant(somewhere, bytes(size_class_max + 1));
    CHECK(h.blocks[0] == 2);
    CHECK(h.blocks[size_class_count] == 1);
}

TEST_CASE("counters: an observer tells events that keep the vocabulary's invariants", "[compose][counters]") {
    std::vector<event> seen;
    auto sink = [&](const event& e) { seen.push_back(e); };
    event_observer<decltype(sink)> o;
    o.on_grant(somewhere, bytes(8));  // no sink yet: nobody is told
    o.sink = &sink;
    o.on_grant(somewhere, *layout::make(8, 32));
    o.on_resize(somewhere, bytes(8), somewhere + 8, bytes(16));
    o.on_refusal(bytes(99));
    o.on_release(somewhere + 8, bytes(16));
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].granted() == reinterpret_cast<std::uintptr_t>(somewhere));
    CHECK(seen[0].alignment == 32);
    CHECK(seen[1].released() == seen[0].granted());
    CHECK((seen[2].failed && seen[2].address == 0 && seen[2].size == 99));
    CHECK(seen[3].released() == seen[1].granted());
}

TEST_CASE("counters: the records' own clock is steady time in nanoseconds", "[compose][counters]") {
    block_records<> r;
    REQUIRE(r.make_room());
    const std::uint64_t before = os::now_ns();
    r.on_grant(somewhere, bytes(8));
    const std::uint64_t born = r.table.find(somewhere)->note;
    CHECK((before <= born && born <= os::now_ns()));
}
