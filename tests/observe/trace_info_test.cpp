#include "ashlar/observe/trace_info.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace ashlar;

TEST_CASE("trace_info: every state and every reason of a cut has words of its own", "[observe][trace_info]") {
    std::set<std::string> texts;
    for (const auto state : {trace_state::running, trace_state::closed, trace_state::replaced}) {
        trace_info i;
        i.state = state;
        CHECK(texts.insert(describe(i)).second);
    }
    for (std::uint32_t cut = 0; cut <= 5; ++cut) {
        trace_info i;
        i.state = trace_state::cut;
        i.cut = static_cast<trace_cut>(cut);
        CHECK(texts.insert(describe(i)).second);
    }
    for (const auto& t : texts) CHECK(t.back() == '.');
}

TEST_CASE("trace_info: dropped events are told whatever the state", "[observe][trace_info]") {
    trace_info i;
    i.state = trace_state::closed;
    i.dropped_events = 1;
    CHECK_THAT(describe(i), Catch::EndsWith(" 1 event is missing."));
    i.dropped_events = 7;
    CHECK_THAT(describe(i), Catch::EndsWith(" 7 events are missing."));
}

TEST_CASE("trace_info: a sound trace has nothing to tell and each loss has a sentence", "[observe][trace_info]") {
    CHECK(describe(trace_health{}).empty());
    CHECK(describe(trace_health{.truncated_chunks = 1}) == "1 chunk is cut off by the end of the file.");
    CHECK(describe(trace_health{.truncated_chunks = 2}) == "2 chunks are cut off by the end of the file.");
    const std::string all = describe(trace_health{.truncated_chunks = 1,
                                                  .missing_bytes = 7,
                                                  .damaged_chunks = 2,
                                                  .missing_chunks = 3,
                                                  .skipped_bytes = 4,
                                                  .foreign_releases = 5,
                                                  .forced_grants = 6});
    for (const char* part : {"1 chunk ", "2 chunks", "3 chunks", "4 bytes", "5 releases", "6 blocks", "7 bytes are missing"}) {
        CHECK_THAT(all, Catch::Contains(part));
    }
}
