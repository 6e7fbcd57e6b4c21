#include "ashlar/foundation/event.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using ashlar::event;
using ashlar::event_kind;

namespace {

template <class Visit>
void for_each_kind(Visit visit) {
    for (unsigned n = 1; n < ashlar::event_kind_limit; ++n) {
        if (const auto kind = static_cast<event_kind>(n); ashlar::is_known(kind)) visit(kind);
    }
}

}  // namespace

TEST_CASE("event: every kind is a request, a release or a fact about the process, and only one of them",
          "[foundation][event]") {
    int requests = 0, releases = 0, facts = 0;
    for_each_kind([&](event_kind k) {
        CHECK_FALSE((ashlar::requests(k) && ashlar::releases(k)));
        requests += ashlar::requests(k);
        releases += ashlar::releases(k);
        facts += !ashlar::requests(k) && !ashlar::releases(k);
    });
    CHECK(requests == 17);
    CHECK(releases == 11);
    CHECK(facts == 8);
}

TEST_CASE("event: every kind has a name of its own and unknown numbers are told apart", "[foundation][event]") {
    std::set<std::string> names;
    for_each_kind([&](event_kind k) { CHECK(names.insert(std::string(name(k))).second); });
    CHECK(names.count("unknown") == 0);
    CHECK(name(static_cast<event_kind>(31)) == "unknown");
    CHECK_FALSE(ashlar::is_known(event_kind::none));
    CHECK_FALSE(ashlar::is_known(static_cast<event_kind>(31)));
}

TEST_CASE("event: a realloc that succeeded releases the old block and grants the new one", "[foundation][event]") {
    event e{.address = 0x2000, .size = 64, .old_address = 0x1000, .kind = event_kind::realloc};
    CHECK(e.released() == 0x1000);
    CHECK(e.granted() == 0x2000);
    SECTION("one that failed does neither") {
        e.failed = true;
        e.address = 0;  // event.I1
        CHECK(e.released() == 0);
        CHECK(e.granted() == 0);
    }
}

TEST_CASE("event: a free releases and grants nothing; a malloc grants and releases nothing", "[foundation][event]") {
    const event release{.address = 0x1000, .kind = event_kind::free};  // no old address: event.I2
    CHECK(release.released() == 0x1000);
    CHECK(release.granted() == 0);
    const event request{.address = 0x1000, .size = 8, .kind = event_kind::malloc};
    CHECK(request.released() == 0);
    CHECK(request.granted() == 0x1000);
}

TEST_CASE("event: the aligned kinds and the sized kinds are the ones whose calls say so", "[foundation][event]") {
    for_each_kind([&](event_kind k) {
        const std::string text(name(k));
        CAPTURE(text);
        const bool aligned_call = text.find("align") != std::string::npos;
        CHECK(ashlar::states_alignment(k) == (aligned_call || k == event_kind::map));  // where mmap tells how
        if (ashlar::releases(k)) CHECK(ashlar::states_size(k) == (text.find("sized") != std::string::npos));
        if (ashlar::requests(k)) CHECK(ashlar::states_size(k));
    });
}

TEST_CASE("event: what moves, maps or states a size is told of every number that could be a kind", "[foundation][event]") {
    int moving = 0, mapping = 0, sized = 0;
    for (unsigned n = 0; n < 256; ++n) {
        const auto k = static_cast<event_kind>(n);
        moving += ashlar::moves(k);
        mapping += ashlar::maps(k);
        sized += ashlar::states_size(k) && !ashlar::requests(k) && !ashlar::releases(k);
    }
    CHECK(moving == 2);
    CHECK(mapping == 2);
    CHECK(sized == 3);  // fork, map, unmap
    CHECK(name(event_kind::none) == "none");
}

TEST_CASE("event: one that nothing is known of says so in every number", "[foundation][event]") {
    const event e;
    CHECK((e.time_ns == 0 && e.address == 0 && e.size == 0 && e.alignment == 0 && e.old_address == 0 && e.stack == 0 && e.thread == 0));
    CHECK((e.kind == event_kind::none && !e.failed));
}
