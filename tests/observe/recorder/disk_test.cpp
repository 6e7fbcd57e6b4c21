// Recording on a full disk, or at the limit on file size: the program must not notice.
#include <catch2/catch.hpp>
#include <sys/mount.h>
#include <sys/resource.h>

#include "recording.hpp"

using namespace ashlar;
using namespace recording;

namespace {

/// The trace is a prefix of the whole: its events are those of the same program recorded without limits.
void check_is_prefix(const contents& c, trace_cut why) {
    REQUIRE(c.error.empty());
    CHECK(c.info.state == trace_state::cut);
    CHECK(c.info.cut == why);
    const int got = c.count(event_kind::malloc) + c.count(event_kind::free);
    CHECK(got > 1000);
    CHECK(static_cast<std::uint64_t>(got) + c.info.dropped_events == 200'000);
    CHECK(c.health == trace_health{});
}

}  // namespace

TEST_CASE("disk: at the limit on file size the program runs on without a signal and the trace is cut",
          "[recorder][disk]") {
    const scratch_folder folder;
    run what{.command = {SUBJECT_C, "churn", "100000"}, .trace = folder / "t"};
    what.before_exec = [] {
        const rlimit limit{150'000, 150'000};
        setrlimit(RLIMIT_FSIZE, &limit);
    };
    CHECK(execute(what).exit_code() == 0);
    check_is_prefix(contents(folder / "t"), trace_cut::file_limit);
    CHECK(std::filesystem::file_size(folder / "t") <= 150'000);
}

TEST_CASE("disk: on a full disk the program runs on and the trace is cut", "[recorder][disk]") {
    const scratch_folder folder;
    if (mount("none", folder.path().c_str(), "tmpfs", 0, "size=200k") != 0) {
        WARN("needs root to mount a small file system");
        return;
    }
    CHECK(execute({.command = {SUBJECT_C, "churn", "100000"}, .trace = folder / "t"}).exit_code() == 0);
    check_is_prefix(contents(folder / "t"), trace_cut::disk_full);
    CHECK(execute({.command = {SUBJECT_C, "threads", "6"}, .trace = folder / "u"}).exit_code() == 0);
    umount2(folder.path().c_str(), MNT_DETACH);
}

TEST_CASE("disk: no room even for the header is one sentence and leaves no file", "[recorder][disk]") {
    const scratch_folder folder;
    run what{.command = {SUBJECT_C, "churn", "1000"}, .trace = folder / "t"};
    what.before_exec = [] {
        const rlimit limit{100, 100};
        setrlimit(RLIMIT_FSIZE, &limit);
    };
    const ended e = execute(what);
    CHECK(e.exit_code() == 0);
    CHECK_THAT(e.said, Catch::Contains("cannot record to") && Catch::Contains("File too large"));
    CHECK(files_in(folder).empty());
}
