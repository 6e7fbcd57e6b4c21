// Mappings and libraries: told where that is asked for, as they happened, raw and packed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>

#include "ashlar/observe/summary.hpp"
#include "ashlar/observe/trace_pack.hpp"
#include "recording.hpp"

using namespace ashlar;
using namespace recording;

TEST_CASE("maps: what the program maps and loads by itself is told if that is asked for", "[recorder][maps]") {
    const scratch_folder folder;
    run what{.command = {SUBJECT_C, "maps", SUBJECT_LIBRARY}, .trace = folder / "quiet"};
    REQUIRE(execute(what).exit_code() == 0);
    CHECK_FALSE(contents(folder / "quiet").info.has_maps);
    CHECK(contents(folder / "quiet").count(event_kind::map) == 0);
    what.trace = folder / "t";
    what.before_exec = [] { setenv("ASHLAR_TRACE_MAPS", "1", 1); };
    REQUIRE(execute(what).exit_code() == 0);
    const contents c(folder / "t");
    CHECK(c.info.has_maps);
    CHECK(c.health == trace_health{});
    std::vector<event> told;
    std::copy_if(c.events.begin(), c.events.end(), std::back_inserter(told), [](const event& e) { return maps(e.kind); });
    REQUIRE(told.size() == 6);  // what failed is not told
    const std::uint64_t p = told[0].address;
    const auto is = [](const event& e, event_kind kind, std::uint64_t size, std::uint64_t how) { return e.kind == kind && e.size == size && e.alignment == how; };
    CHECK(is(told[0], event_kind::map, 40960, 3));
    CHECK((is(told[1], event_kind::map, 4096, 1 | map_shared | map_fixed) && told[1].address == p + 8192));
    CHECK((is(told[2], event_kind::unmap, 8000, 0) && told[2].address == p));
    CHECK((is(told[3], event_kind::unmap, 24576, 0) && told[3].address == p + 16384));
    CHECK(is(told[4], event_kind::map, 1 << 20, 3));
    CHECK(is(told[5], event_kind::map, 100, 5 | map_of_file));
    CHECK(c.texts == std::vector<std::string>{SUBJECT_LIBRARY, "/no/such/library", SUBJECT_LIBRARY, "", ""});
    CHECK(c.count(event_kind::load) == 3);
    packed_size size;
    REQUIRE(pack_trace(folder / "t", size) == "");
    const contents packed(folder / "t");
    CHECK(packed.events == c.events);
    CHECK(packed.texts == c.texts);
    trace_reader r = trace_reader::open(folder / "t");
    const auto sum = summarise(r);
    CHECK((sum->mapped.maps == 4 && sum->mapped.unmaps == 2 && sum->mapped.bytes == 40960 + 4096 + (1 << 20) + 100));
    CHECK(sum->mapped.live_bytes == 40960 - 8192 - 24576 + (1 << 20) + 4096);
    CHECK(sum->mapped.peak_bytes == sum->mapped.live_bytes);
    REQUIRE(sum->libraries.size() == 5);
    CHECK((sum->libraries[1].loaded && sum->libraries[1].name == "/no/such/library" && !sum->libraries[2].loaded));
}
