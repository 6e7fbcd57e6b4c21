#include "ashlar/observe/trace_sink.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "ashlar/compose/tracked.hpp"
#include "ashlar/observe/summary.hpp"
#include "ashlar/strategy/bump.hpp"
#include "trace_support.hpp"

using namespace ashlar;
using trace_support::scratch_folder;

namespace {

using observer = event_observer<trace_sink>;
layout bytes(std::size_t n) { return *layout::make(n, 16); }

}  // namespace

TEST_CASE("trace_sink: what a tracked allocator was asked is a trace with the same figures", "[observe][trace_sink]") {
    const scratch_folder folder;
    auto sink = trace_sink::create(folder / "t", "the arena");
    REQUIRE(sink);
    alignas(64) std::byte memory[4096];
    bump upstream(block{memory, sizeof memory});
    tracked<bump, observer, total_blocks, peak_bytes> heap(upstream);
    heap.counter<observer>().sink = &sink;
    REQUIRE(heap.allocate(bytes(100)));
    const auto last = heap.allocate(bytes(200));
    REQUIRE(last);
    REQUIRE(heap.grow_in_place(last->data, bytes(200), bytes(300)));
    CHECK_FALSE(heap.allocate(bytes(100'000)).has_value());
    heap.reset();  // all blocks at once: each is released
    std::thread([&] { REQUIRE(heap.allocate(bytes(50))); }).join();
    REQUIRE(sink.close());

    trace_reader reader = trace_reader::open(folder / "t");
    REQUIRE(reader);
    CHECK(reader.info().command_line == std::vector<std::string>{"the arena"});
    std::size_t grants = 0, refused = 0, moved = 0;
    std::uint64_t live = 0, peak = 0;
    std::map<std::uint64_t, std::uint64_t> sizes;
    for (const event& e : trace_support::all_events(reader)) {
        if (e.released() != 0) live -= sizes[e.released()];
        if (e.granted() != 0) live += sizes[e.granted()] = e.size;
        peak = std::max(peak, live);
        grants += e.granted() != 0 && !moves(e.kind);
        moved += moves(e.kind) && !e.failed;
        refused += e.failed;
    }
    CHECK(reader.health() == trace_health{});  // trace_sink.I1: no grant of a live block, no release of another
    CHECK(grants == heap.counter<total_blocks>().value);
    CHECK(peak == heap.counter<peak_bytes>().value);
    reader.rewind();
    CHECK(summarise(reader)->peak_bytes == peak);
    CHECK((moved == 1 && refused == 1 && live == 50));
    CHECK(reader.info().threads == 2);
}

TEST_CASE("trace_sink: a file that cannot be made is told, and the allocator goes on", "[observe][trace_sink]") {
    auto sink = trace_sink::create("/nowhere/at/all");
    CHECK_FALSE(sink);
    CHECK_FALSE(sink.error().empty());
    alignas(64) std::byte memory[256];
    bump upstream(block{memory, sizeof memory});
    tracked<bump, observer> heap(upstream);
    heap.counter<observer>().sink = &sink;
    CHECK(heap.allocate(bytes(100)));
    heap.reset();
}
