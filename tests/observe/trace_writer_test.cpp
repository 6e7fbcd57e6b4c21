#include "ashlar/observe/trace_writer.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <rapidcheck.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "trace_support.hpp"

using namespace ashlar;
using namespace trace_support;

namespace {

/// Restores the process's file size limit.
class file_limit {
public:
    explicit file_limit(rlim_t bytes) {
        getrlimit(RLIMIT_FSIZE, &before_);
        rlimit now = before_;
        now.rlim_cur = bytes;
        setrlimit(RLIMIT_FSIZE, &now);
    }
    ~file_limit() { setrlimit(RLIMIT_FSIZE, &before_); }
    file_limit(const file_limit&) = delete;
    file_limit& operator=(const file_limit&) = delete;

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("trace_writer: what several threads wrote is read back the same and in the same order",
          "[observe][trace_writer]") {
    CHECK(rc::check([](std::uint64_t seed) {
        const auto threads = static_cast<std::uint32_t>(seed % 9 + 1);
        const history h(seed, threads, seed % 2000);
        const scratch_folder folder;
        trace_reader r = trace_reader::open(write_trace(folder, "t", h.events));
        RC_ASSERT(bool(r));
        RC_ASSERT(r.info().threads == threads);
        RC_ASSERT(all_events(r) == h.events);
        RC_ASSERT(r.health() == trace_health{});
    }));
}

TEST_CASE("trace_writer: long threads fill many chunks and nothing is lost between them", "[observe][trace_writer]") {
    const history h(7, 3, 400'000);
    const scratch_folder folder;
    trace_reader r = trace_reader::open(write_trace(folder, "t", h.events));
    REQUIRE(r);
    CHECK(r.info().chunks > 20);
    CHECK(all_events(r) == h.events);
    CHECK(r.health() == trace_health{});
}

TEST_CASE("trace_writer: what the header was told is read back", "[observe][trace_writer]") {
    const scratch_folder folder;
    {
        trace_writer w = trace_writer::create(folder / "t", {.command_line = {"prog", "", "two words"},
                                                             .executable = "/usr/bin/prog",
                                                             .process = 12,
                                                             .parent = 3,
                                                             .forked = true,
                                                             .start_unix_ns = 99});
        REQUIRE(w);
        REQUIRE(w.write({.time_ns = 4, .address = 16, .size = 1, .thread = 0, .kind = event_kind::malloc}));
        w.name_thread(0, "a name that is too long");
        w.count_dropped(3);
        CHECK(w.close(50));
    }
    trace_reader r = trace_reader::open(folder / "t");
    REQUIRE(r);
    const trace_info& i = r.info();
    CHECK(i.command_line == std::vector<std::string>{"prog", "", "two words"});
    CHECK(i.executable == "/usr/bin/prog");
    CHECK(i.process == 12);
    CHECK(i.parent == 3);
    CHECK(i.forked);
    CHECK(i.start_unix_ns == 99);
    CHECK(i.dropped_events == 3);
    CHECK(i.duration_ns == 50);
    CHECK(i.state == trace_state::closed);
    CHECK(r.thread_name(0) == "a name that is ");
}

TEST_CASE("trace_writer: a command line longer than the header is cut and the trace says so", "[observe][trace_writer]") {
    const scratch_folder folder;
    trace_writer::create(folder / "t", {.command_line = {std::string(100'000, 'x')}, .executable = "/bin/x"}).close(0);
    trace_reader r = trace_reader::open(folder / "t");
    REQUIRE(r);
    CHECK(r.info().command_line_cut);
    CHECK(r.info().command_line.at(0).size() > 3000);
    CHECK(r.info().executable == "/bin/x");
}

TEST_CASE("trace_writer: a file that exists is left as it was", "[observe][trace_writer]") {
    const scratch_folder folder;
    std::ofstream(folder / "t") << "precious";
    const trace_writer w = trace_writer::create(folder / "t", {});
    CHECK_FALSE(w);
    CHECK_THAT(w.error(), Catch::Contains("File exists"));
    CHECK(bytes_of(folder / "t").size() == 8);
}

TEST_CASE("trace_writer: a path that cannot be is refused with a sentence and leaves nothing", "[observe][trace_writer]") {
    const scratch_folder folder;
    CHECK_THAT(trace_writer::create(folder / "no/such/folder", {}).error(), Catch::Contains("No such file"));
    CHECK_FALSE(trace_writer::create(folder / std::string(5000, 'x'), {}));
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("trace_writer: only this user may read or write the file", "[observe][trace_writer]") {
    const scratch_folder folder;
    trace_writer::create(folder / "t", {}).close(0);
    struct stat s {};
    REQUIRE(stat((folder / "t").c_str(), &s) == 0);
    CHECK((s.st_mode & 07777) == 0600);
}

TEST_CASE("trace_writer: at the file size limit the trace is cut without a signal and keeps what it has",
          "[observe][trace_writer]") {
    const history h(3, 2, 50'000);
    const scratch_folder folder;
    std::size_t written = 0;
    {
        const file_limit limit(100'000);  // SIGXFSZ would end the test
        trace_writer w = trace_writer::create(folder / "t", {});
        REQUIRE(w);
        while (written < h.events.size() && w.write(h.events[written])) ++written;
        CHECK_FALSE(w.write(h.events.back()));
        CHECK_FALSE(w.close(h.events.back().time_ns));
    }
    REQUIRE(written > 1000);
    REQUIRE(written < h.events.size());
    trace_reader r = trace_reader::open(folder / "t");
    REQUIRE(r);
    CHECK(r.info().state == trace_state::cut);
    CHECK(r.info().cut == trace_cut::file_limit);
    CHECK(std::filesystem::file_size(folder / "t") <= 100'000);
    const std::vector<event> read = all_events(r);  // trace_writer.I1
    CHECK(read == std::vector<event>(h.events.begin(), h.events.begin() + static_cast<std::ptrdiff_t>(written)));
}

TEST_CASE("trace_writer: ten thousand short threads share the space of a few", "[observe][trace_writer]") {
    const scratch_folder folder;
    trace_writer w = trace_writer::create(folder / "t", {});
    REQUIRE(w);
    std::uint64_t time = 0;
    for (std::uint32_t t = 0; t < 10'000; ++t) {
        for (std::uint64_t i = 1; i <= 10; ++i) {
            REQUIRE(w.write({.time_ns = ++time, .address = i * 16, .size = 5, .thread = t, .kind = event_kind::malloc}));
        }
        for (std::uint64_t i = 1; i <= 10; ++i) {
            REQUIRE(w.write({.time_ns = ++time, .address = i * 16, .thread = t, .kind = event_kind::free}));
        }
        REQUIRE(w.write({.time_ns = ++time, .thread = t, .kind = event_kind::thread_end}));
    }
    REQUIRE(w.close(time));
    CHECK(std::filesystem::file_size(folder / "t") < 2'500'000);  // a page for each would be 40 million
    trace_reader r = trace_reader::open(folder / "t");
    REQUIRE(r);
    CHECK(r.info().threads == 10'000);
    CHECK(all_events(r).size() == 10'000 * 22);
    CHECK(r.health() == trace_health{});
}

TEST_CASE("trace_writer: a thread that goes on after its end keeps its number", "[observe][trace_writer]") {
    const scratch_folder folder;
    const std::vector<event> events = {
        {.time_ns = 1, .thread = 0, .kind = event_kind::thread_begin},
        {.time_ns = 1, .address = 16, .size = 1, .thread = 0, .kind = event_kind::malloc},
        {.time_ns = 2, .thread = 0, .kind = event_kind::thread_end},
        {.time_ns = 3, .address = 16, .thread = 0, .kind = event_kind::free},
    };
    trace_reader r = trace_reader::open(write_trace(folder, "t", events));
    REQUIRE(r);
    CHECK(r.info().threads == 1);
    CHECK(all_events(r) == events);
}

TEST_CASE("trace_writer: a process that went on as another program ends its trace with exec", "[observe][trace_writer]") {
    const scratch_folder folder;
    trace_writer w = trace_writer::create(folder / "t", {});
    w.write({.time_ns = 1, .address = 16, .size = 1, .kind = event_kind::malloc});
    w.write({.time_ns = 9, .kind = event_kind::exec});
    w.close(9);
    trace_reader r = trace_reader::open(folder / "t");
    CHECK(r.info().state == trace_state::replaced);
    const auto events = all_events(r);
    REQUIRE(events.size() == 3);
    CHECK(events.back() == event{.time_ns = 9, .kind = event_kind::exec});
}

TEST_CASE("trace_writer: misuse is answered with false and nothing is written", "[observe][trace_writer]") {
    const scratch_folder folder;
    trace_writer w = trace_writer::create(folder / "t", {});
    CHECK_FALSE(w.write({.thread = trace_writer::thread_limit, .kind = event_kind::malloc}));
    CHECK_FALSE(w.write({.kind = event_kind::none}));
    CHECK_FALSE(w.write({.kind = static_cast<event_kind>(31)}));
    CHECK(w.close(0));
    CHECK_FALSE(w.write({.address = 16, .kind = event_kind::malloc}));
    CHECK(trace_reader::open(folder / "t").info().threads == 0);
}
