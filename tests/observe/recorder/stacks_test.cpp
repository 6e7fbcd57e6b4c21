#include <catch2/catch.hpp>

#include <set>

#include "recording.hpp"

using namespace ashlar;
using namespace recording;

namespace {

/// A recording with stacks, and what each request's stack unfolds to.
struct recorded {
    trace_info info;
    trace_health health;
    std::vector<event> events;
    trace_stacks stacks;
    int status = 0;

    recorded(std::vector<std::string> command, const std::string& trace, const char* depth = "64") {
        const ended e = execute({.command = std::move(command), .trace = trace, .before_exec = [=] { setenv("ASHLAR_TRACE_STACKS", depth, 1); }});
        status = e.status;
        trace_reader r = trace_reader::open(trace);
        if (!r) return;
        events = trace_support::all_events(r);
        info = r.info();
        health = r.health();
        stacks = r.stacks();
    }
    std::vector<trace_place> of(const event& e, bool* whole = nullptr) const {
        std::vector<std::uint32_t> numbers;
        const bool all = stacks.unfold(e.stack, numbers);
        if (whole != nullptr) *whole = all;
        std::vector<trace_place> places;
        for (std::uint32_t n : numbers) places.push_back(stacks.places()[n]);
        return places;
    }
    const std::string& path_of(const trace_place& p) const { return stacks.modules()[p.module].path; }
    /// Every request's stack is whole and begins where a program begins. @returns how many requests there are
    int check_whole() const {
        int count = 0, others_with = 0;
        std::set<std::uint32_t> seen;
        for (const event& e : events) {
            if (!requests(e.kind)) {
                others_with += e.stack != trace_stacks::unknown;
                continue;
            }
            ++count;
            if (!seen.insert(e.stack).second) continue;
            bool whole = false;
            const auto places = of(e, &whole);
            CAPTURE(name(e.kind), e.size, e.thread);
            CHECK(whole);
            CHECK(places.size() >= 2);
        }
        CHECK(others_with == 0);
        return count;
    }
};

}  // namespace

TEST_CASE("stacks: every entry point is told from the program's own call of it", "[recorder][stacks]") {
    const scratch_folder folder;
    for (const auto& command : {std::vector<std::string>{SUBJECT_C, "kinds"}, {SUBJECT_CPP, "forms"}}) {
        const recorded r(command, folder / command[1]);
        REQUIRE(r.info.has_stacks);
        CHECK(r.info.stack_depth == 64);
        CHECK(r.health == trace_health{});
        CHECK(r.check_whole() > 10);
        int own = 0;
        for (const event& e : r.events) {
            if (requests(e.kind) && e.size > 1000 && e.size < 3000) {
                CAPTURE(name(e.kind), e.size);
                CHECK(r.path_of(r.of(e).front()).empty());
                ++own;
            }
        }
        CHECK(own >= 10);
    }
}

TEST_CASE("stacks: a recording with stacks has the same events as one without", "[recorder][stacks]") {
    const scratch_folder folder;
    for (const auto& command : {std::vector<std::string>{SUBJECT_C, "kinds"}, {SUBJECT_CPP, "forms"}, {SUBJECT_CPP, "refusals"}}) {
        const recorded with(command, folder / (command[1] + "1"));
        REQUIRE(execute({.command = command, .trace = folder / (command[1] + "2")}).status == with.status);
        const contents without(folder / (command[1] + "2"));
        REQUIRE(with.events.size() == without.events.size());
        for (std::size_t i = 0; i < with.events.size(); ++i) {
            CHECK(with.events[i].kind == without.events[i].kind);
            CHECK(with.events[i].size == without.events[i].size);
            CHECK(with.events[i].failed == without.events[i].failed);
            CHECK(without.events[i].stack == 0);
        }
    }
}

TEST_CASE("stacks: threads number their stacks apart and the reader joins them", "[recorder][stacks]") {
    const scratch_folder folder;
    const recorded r({SUBJECT_C, "threads", "3"}, folder / "t");
    CHECK(r.health == trace_health{});
    CHECK(r.check_whole() > 100);
    std::map<std::uint32_t, std::set<std::uint32_t>> threads_of;
    for (const event& e : r.events) {
        if (requests(e.kind)) threads_of[e.stack].insert(e.thread);
    }
    std::size_t most = 0;
    for (const auto& [stack, threads] : threads_of) most = std::max(most, threads.size());
    CHECK(most >= 2);
}

TEST_CASE("stacks: an unreadable or absent wish for stacks records without them, and depth is a limit", "[recorder][stacks]") {
    const scratch_folder folder;
    for (const char* wish : {"", "0", "none"}) {
        const recorded r({SUBJECT_C, "kinds"}, folder / (std::string("t") + wish), wish);
        CHECK_FALSE(r.info.has_stacks);
        CHECK(r.events.size() > 20);
    }
    const recorded one({SUBJECT_C, "kinds"}, folder / "one", "1");
    for (const event& e : one.events) {
        if (!requests(e.kind)) continue;
        bool whole = true;
        CHECK(one.of(e, &whole).size() == 1);
        CHECK_FALSE(whole);
    }
    const recorded many({SUBJECT_C, "kinds"}, folder / "many", "99999");
    CHECK(many.info.stack_depth == 256);
}

TEST_CASE("stacks: a fork's child tells its own trace what it needs", "[recorder][stacks]") {
    const scratch_folder folder;
    const recorded r({SUBJECT_C, "fork"}, folder / "t");
    int children = 0;
    for (const std::string& file : files_in(folder)) {
        if (file == "t") continue;
        trace_reader child = trace_reader::open(folder / file);
        REQUIRE(child);
        for (const event& e : trace_support::all_events(child)) {
            std::vector<std::uint32_t> places;
            if (requests(e.kind)) CHECK(child.stacks().unfold(e.stack, places));
            if (requests(e.kind)) CHECK(places.size() >= 2);
        }
        CHECK(child.health().damaged_chunks == 0);
        ++children;
    }
    CHECK(children >= 1);
}

TEST_CASE("stacks: a loaded library's code is told by its own path and build id", "[recorder][stacks]") {
    const scratch_folder folder;
    const recorded r({SUBJECT_C, "dlopen", SUBJECT_LIBRARY}, folder / "t");
    CHECK(r.check_whole() > 2);
    bool found = false;
    for (const trace_module& m : r.stacks.modules()) {
        found = found || m.path == SUBJECT_LIBRARY;
        CHECK(m.build_id.size() <= 48);
    }
    CHECK(found);
}

TEST_CASE("stacks: a signal handler that allocates and one that jumps leave a sound trace", "[recorder][stacks]") {
    const scratch_folder folder;
    const recorded r({SUBJECT_C, "interrupt", "1"}, folder / "t");
    CHECK(WIFEXITED(r.status));
    CHECK(r.health.damaged_chunks == 0);
    CHECK(r.events.size() > 5);
}
