#include <catch2/catch.hpp>

#include "recording.hpp"

using namespace ashlar;
using namespace recording;

namespace {

event kind_of(event e) {  // without what differs from run to run
    e.time_ns = 0;
    e.address = e.address != 0;
    e.old_address = e.old_address != 0;
    return e;
}

std::vector<event> kinds_of(const contents& c) {
    std::vector<event> all;
    for (const event& e : c.events) all.push_back(kind_of(e));
    return all;
}

constexpr std::uint64_t most = ~std::uint64_t{0};

event granted(event_kind k, std::uint64_t size, std::uint64_t align = 0) {
    return {.address = 1, .size = size, .alignment = align, .kind = k};
}
event released(event_kind k, std::uint64_t size = 0, std::uint64_t align = 0) {
    return {.address = 1, .size = size, .alignment = align, .kind = k};
}
event moved(event_kind k, std::uint64_t size) { return {.address = 1, .size = size, .old_address = 1, .kind = k}; }
event refused(event_kind k, std::uint64_t size, std::uint64_t align = 0, std::uint64_t old = 0) {
    return {.size = size, .alignment = align, .old_address = old, .kind = k, .failed = true};
}

}  // namespace

TEST_CASE("recorder: every C entry point is one event of its own kind, refusals included", "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "kinds"}, .trace = folder / "t"}).exit_code() == 0);
    const contents c(folder / "t");
    REQUIRE(c.error.empty());
    using k = event_kind;
    const std::uint64_t huge = std::uint64_t{1} << 63;
    const std::vector<event> expected = {
        {.kind = k::thread_begin},
        granted(k::malloc, 1001),
        moved(k::realloc, 100003),
        moved(k::reallocarray, 1040),
        refused(k::reallocarray, most, 0, 1),
        refused(k::realloc, huge, 0, 1),
        released(k::free),
        granted(k::calloc, 1020),
        released(k::free),
        refused(k::calloc, most),
        granted(k::posix_memalign, 1005, 64),
        released(k::free),
        refused(k::posix_memalign, 1006, 24),
        granted(k::aligned_alloc, 1280, 128),
        released(k::free),
        granted(k::memalign, 1007, 256),
        released(k::free),
        granted(k::valloc, 1008),
        released(k::free),
        granted(k::pvalloc, 1009),
        released(k::free),
        granted(k::malloc, 1010),
        released(k::free_sized, 1010),
        granted(k::aligned_alloc, 1024, 64),
        released(k::free_aligned_sized, 1024, 64),
        granted(k::realloc, 1011),                       // realloc(NULL, n)
        {.old_address = 1, .kind = k::realloc},          // realloc(p, 0), which glibc takes for a free
        granted(k::malloc, 0),
        released(k::free),
        refused(k::malloc, huge),
    };
    CHECK(kinds_of(c) == expected);
    CHECK(c.health == trace_health{});
    CHECK(c.info.dropped_events == 0);
    CHECK(c.info.state == trace_state::closed);
}

TEST_CASE("recorder: every form of operator new and delete is one event and malloc is not seen behind it",
          "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_CPP, "forms"}, .trace = folder / "t"}).exit_code() == 0);
    const contents c(folder / "t");
    using k = event_kind;
    const std::vector<event> expected = {
        {.kind = k::thread_begin},
        granted(k::malloc, 72704),  // libstdc++'s reserve for exceptions
        granted(k::new_object, 2001), released(k::delete_object),
        granted(k::new_object, 2002), released(k::delete_sized, 2002),
        granted(k::new_nothrow, 2003), released(k::delete_object),
        granted(k::new_array, 2004), released(k::delete_array),
        granted(k::new_array, 2005), released(k::delete_array_sized, 2005),
        granted(k::new_array_nothrow, 2006), released(k::delete_array),
        granted(k::new_aligned, 2007, 64), released(k::delete_aligned, 0, 64),
        granted(k::new_aligned, 2008, 64), released(k::delete_sized_aligned, 2008, 64),
        granted(k::new_aligned_nothrow, 2009, 64), released(k::delete_aligned, 0, 64),
        granted(k::new_array_aligned, 2010, 64), released(k::delete_array_aligned, 0, 64),
        granted(k::new_array_aligned, 2011, 64), released(k::delete_array_sized_aligned, 2011, 64),
        granted(k::new_array_aligned_nothrow, 2012, 64), released(k::delete_array_aligned, 0, 64),
        granted(k::new_aligned, 1, 4096), released(k::delete_aligned, 0, 4096),
        granted(k::new_object, 0), released(k::delete_object),
    };
    CHECK(kinds_of(c) == expected);
    CHECK(c.health == trace_health{});
}

TEST_CASE("recorder: operator new asks the new handler, throws or returns null, and a refusal is one event",
          "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_CPP, "refusals"}, .trace = folder / "t"}).exit_code() == 0);
    const contents c(folder / "t");
    const std::uint64_t size = std::uint64_t{1} << 62;
    using k = event_kind;
    std::vector<event> mine;  // exceptions are allocated by malloc or in the reserve
    for (const event& e : kinds_of(c)) {
        if (e.kind != k::malloc && e.kind != k::free && e.kind != k::thread_begin) mine.push_back(e);
    }
    const std::vector<event> expected = {
        refused(k::new_object, size),
        refused(k::new_array_aligned, size, 64),
        refused(k::new_nothrow, size),
        refused(k::new_array_aligned_nothrow, size, 64),
        granted(k::new_object, 3001),
        released(k::delete_object),   // by the handler, between two attempts
        refused(k::new_object, size),
        refused(k::new_object, size),  // the handler threw
        refused(k::new_nothrow, size),
    };
    CHECK(mine == expected);
}

TEST_CASE("recorder: threads are recorded whole, each by itself, with its name and its end", "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "threads", "6"}, .trace = folder / "t"}).exit_code() == 0);
    const contents c(folder / "t");
    REQUIRE(c.info.threads == 7);
    CHECK(c.health == trace_health{});
    CHECK(c.info.dropped_events == 0);
    CHECK(c.names[0] == "recorder-subjec");
    for (int t = 1; t < 7; ++t) {
        CHECK(c.count(event_kind::malloc, t) == 20'000);
        CHECK(c.count(event_kind::free, t) == 20'000);
        CHECK(c.count(event_kind::thread_begin, t) == 1);
        CHECK(c.count(event_kind::thread_end, t) == 1);
        CHECK(c.names[static_cast<std::size_t>(t)] == "churner");
    }
}

TEST_CASE("recorder: blocks that pass between threads keep a possible order", "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "trade", "4"}, .trace = folder / "t"}).exit_code() == 0);
    const contents c(folder / "t");
    CHECK(c.health == trace_health{});  // no release of an unknown block, no grant of a live one
    std::size_t across = 0;
    std::map<std::uint64_t, std::uint32_t> owner;
    for (const event& e : c.events) {
        if (e.released() != 0) across += owner[e.released()] != e.thread;
        if (e.granted() != 0) owner[e.granted()] = e.thread;
    }
    CHECK(across > 0);  // how many, the scheduler decides
}

TEST_CASE("recorder: ten thousand short threads do not make a large file", "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "little", "10000"}, .trace = folder / "t"}).exit_code() == 0);
    const contents c(folder / "t");
    CHECK(c.info.threads == 10'001);
    CHECK(c.of_size(77) == 10'000);
    CHECK(c.info.file_bytes < 3'000'000);
}

TEST_CASE("recorder: what thread destructors, exit handlers and loaded libraries do is recorded", "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "key"}, .trace = folder / "k"}).exit_code() == 0);
    const contents k(folder / "k");
    CHECK(k.of_size(44) == 1);
    CHECK(k.of_size(55) == 1);
    CHECK(k.count(event_kind::thread_end, 1) == 1);
    CHECK(k.health == trace_health{});
    REQUIRE(execute({.command = {SUBJECT_C, "atexit"}, .trace = folder / "e"}).exit_code() == 0);
    CHECK(contents(folder / "e").of_size(66) == 1);
    REQUIRE(execute({.command = {SUBJECT_C, "dlopen", SUBJECT_LIBRARY}, .trace = folder / "d"}).exit_code() == 0);
    CHECK(contents(folder / "d").of_size(88) == 1);
}

TEST_CASE("recorder: what a handler allocates in the middle of malloc is left out, and a malloc left by longjmp is survived",
          "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "interrupt", "5000"},
                     .trace = folder / "t",
                     .preload = ASHLAR_RECORD ":" NEXT_MALLOC}).exit_code() == 0);
    const contents c(folder / "t");
    CHECK(c.of_size(31337) == 1);  // the other never returned
    const int seen = c.count(event_kind::malloc);
    CHECK(seen <= 5001);
    CHECK(seen >= 5001 - 33);  // until it is clear that nobody is inside any more
    CHECK(c.info.dropped_events > 0);
    CHECK(c.info.dropped_events <= 33);
}

TEST_CASE("recorder: a foreign malloc that is preloaded behind it is recorded as well", "[recorder][recorder]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "churn", "1000"},
                     .trace = folder / "t",
                     .preload = ASHLAR_RECORD ":" NEXT_MALLOC}).exit_code() == 0);
    CHECK(contents(folder / "t").count(event_kind::malloc) == 1000);
}

TEST_CASE("recorder: its totals are valgrind's for the same program", "[recorder][recorder]") {
    const scratch_folder folder;
    if (!std::filesystem::exists("/usr/bin/valgrind") || !std::filesystem::exists("/usr/bin/lua5.4")) {
        WARN("needs valgrind and lua5.4");
        return;
    }
    // A program that does the same whatever its environment holds, and calls realloc a lot.
    const std::vector<std::string> program = {
        "/usr/bin/lua5.4", "-e", "local t = {} for i = 1, 3000 do t[i] = ('x'):rep(i % 97) .. i end print(#table.concat(t))"};
    std::vector<std::string> checked = {"/usr/bin/valgrind", "--run-libc-freeres=no", "--run-cxx-freeres=no"};
    checked.insert(checked.end(), program.begin(), program.end());
    const ended e = execute({.command = checked, .preload = ""});
    REQUIRE(e.exit_code() == 0);
    REQUIRE(execute({.command = program, .trace = folder / "t"}).exit_code() == 0);
    const contents c(folder / "t");
    // memcheck counts a realloc as an allocation and a free.
    std::uint64_t allocations = 0, frees = 0, bytes = 0;
    for (const event& x : c.events) {
        allocations += x.granted() != 0;
        frees += x.released() != 0;
        bytes += x.granted() != 0 ? x.size : 0;
    }
    const auto grouped = [](std::uint64_t n) {
        std::string digits = std::to_string(n);
        for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
        return digits;
    };
    CHECK_THAT(e.said, Catch::Contains("total heap usage: " + grouped(allocations) + " allocs, " + grouped(frees) +
                                       " frees, " + grouped(bytes) + " bytes allocated"));
}

TEST_CASE("recorder: the header says which program it was and the clock is right", "[recorder][recorder]") {
    const scratch_folder folder;
    timespec before{}, after{};
    clock_gettime(CLOCK_REALTIME, &before);
    REQUIRE(execute({.command = {SUBJECT_C, "churn", "300000"}, .trace = folder / "t"}).exit_code() == 0);
    clock_gettime(CLOCK_REALTIME, &after);
    const contents c(folder / "t");
    const auto ns = [](const timespec& t) {
        return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
    };
    CHECK(c.info.command_line == std::vector<std::string>{SUBJECT_C, "churn", "300000"});
    CHECK(c.info.executable == std::filesystem::canonical(SUBJECT_C).string());
    CHECK(c.info.parent == static_cast<std::uint32_t>(getpid()));
    CHECK(c.info.start_unix_ns >= ns(before));
    CHECK(c.info.start_unix_ns + c.info.duration_ns <= ns(after) + 1'000'000);
    CHECK(c.events.back().time_ns <= c.info.duration_ns + 1'000'000);
    CHECK(c.events.back().time_ns + 1'000'000'000 > c.info.duration_ns);
}

TEST_CASE("recorder: without ASHLAR_TRACE the program runs as ever and nothing is written", "[recorder][recorder]") {
    const scratch_folder folder;
    const ended e = execute({.command = {SUBJECT_C, "churn", "1000"}, .before_exec = [&] { chdir(folder.path().c_str()); }});
    CHECK(e.exit_code() == 0);
    CHECK(e.said.empty());
    CHECK(files_in(folder).empty());
}

TEST_CASE("recorder: a trace that cannot be created is one sentence and the program runs on", "[recorder][recorder]") {
    const ended e = execute({.command = {SUBJECT_C, "fork"}, .trace = "/proc/no/such/folder/t"});
    CHECK(e.exit_code() == 0);
    CHECK(e.said == "ashlar: cannot record to /proc/no/such/folder/t: No such file or directory; the program runs on "
                    "unrecorded\n");
}
