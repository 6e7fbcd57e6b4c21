// What becomes of a recording when the process forks, execs, is killed or closes its files.
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "recording.hpp"

using namespace ashlar;
using namespace recording;

namespace {

/// The one file in the folder besides T, which is T.PID.
std::string other_file(const scratch_folder& folder) {
    const auto names = files_in(folder);
    REQUIRE(names.size() == 2);
    REQUIRE(names[0] == "t");
    REQUIRE(names[1].starts_with("t."));
    return folder / names[1];
}

}  // namespace

TEST_CASE("processes: a fork's child records to a file of its own and its parent says that it forked",
          "[recorder][processes]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "fork"}, .trace = folder / "t"}).exit_code() == 0);
    const contents parent(folder / "t"), child(other_file(folder));
    CHECK(parent.of_size(11) == 1);
    CHECK(parent.of_size(22) == 0);
    CHECK(parent.count(event_kind::free) == 1);
    CHECK(parent.count(event_kind::fork) == 1);
    CHECK_FALSE(parent.info.forked);
    CHECK(parent.health == trace_health{});

    CHECK(child.of_size(22) == 1);
    CHECK(child.count(event_kind::free) == 2);
    CHECK(child.info.forked);
    CHECK(child.info.parent == parent.info.process);
    CHECK(child.health == trace_health{.foreign_releases = 1});  // the block it inherited
    CHECK(child.info.state == trace_state::closed);
    for (const event& e : parent.events) {
        if (e.kind == event_kind::fork) CHECK(e.size == child.info.process);
    }
}

TEST_CASE("processes: a fork that the C library does not see does not mix two processes in one file",
          "[recorder][processes]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "rawfork", "30000"}, .trace = folder / "t"}).exit_code() == 0);
    const contents parent(folder / "t"), child(other_file(folder));
    CHECK(parent.count(event_kind::malloc) == 30'001);
    CHECK(parent.count(event_kind::free) == 30'001);
    CHECK(parent.health == trace_health{});
    CHECK(child.count(event_kind::malloc) == 30'000);
    CHECK(child.count(event_kind::free) == 30'000);
    CHECK(child.health == trace_health{});
}

TEST_CASE("processes: a vfork's child shares the memory and so the trace", "[recorder][processes]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "vfork"}, .trace = folder / "t"}).exit_code() == 0);
    CHECK(files_in(folder) == std::vector<std::string>{"t"});
    const contents c(folder / "t");
    CHECK(c.of_size(33) == 1);
    CHECK(c.count(event_kind::free) == 2);
    CHECK(c.health == trace_health{});
}

TEST_CASE("processes: forks from a threaded process leave every thread's trace whole", "[recorder][processes]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "forkthreads"}, .trace = folder / "t"}).exit_code() == 0);
    const contents parent(folder / "t");
    CHECK(parent.count(event_kind::malloc, 1) == 20'000);
    CHECK(parent.count(event_kind::fork) == 20);
    CHECK(parent.health == trace_health{});
    const auto names = files_in(folder);
    REQUIRE(names.size() == 21);
    for (const auto& name : names) {
        if (name == "t") continue;
        const contents child(folder / name);
        CHECK(child.of_size(22) == 1);
        CHECK(child.info.threads == 1);
    }
}

TEST_CASE("processes: after exec the file holds the new program and the earlier ones are kept beside it",
          "[recorder][processes]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "exec", "2"}, .trace = folder / "t"}).exit_code() == 0);
    CHECK(files_in(folder) == std::vector<std::string>{"t", "t.1", "t.2"});
    const contents first(folder / "t.1"), second(folder / "t.2"), last(folder / "t");
    CHECK(first.info.command_line.back() == "2");
    CHECK(second.info.command_line.back() == "1");
    CHECK(last.info.command_line.back() == "0");
    CHECK(first.info.state == trace_state::replaced);
    CHECK(first.events.back().kind == event_kind::exec);
    CHECK(second.info.state == trace_state::replaced);
    CHECK(last.info.state == trace_state::closed);
    CHECK(last.of_size(12) == 1);
    CHECK(first.info.process == last.info.process);
}

TEST_CASE("processes: a program that the recorded one starts records to a file of its own", "[recorder][processes]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "spawn"}, .trace = folder / "t"}).exit_code() == 0);
    const contents parent(folder / "t"), child(other_file(folder));
    CHECK(parent.of_size(11) == 1);
    CHECK(child.count(event_kind::malloc) == 100);
    CHECK_FALSE(child.info.forked);
    CHECK(child.info.parent == parent.info.process);
    CHECK(other_file(folder) == folder / ("t." + std::to_string(child.info.process)));
}

TEST_CASE("processes: a process that is killed leaves every event it had recorded", "[recorder][processes]") {
    const scratch_folder folder;
    CHECK(execute({.command = {SUBJECT_C, "kill", "20000"}, .trace = folder / "t"}).signal() == SIGKILL);
    const contents c(folder / "t");
    CHECK(c.count(event_kind::malloc) == 20'000);
    CHECK(c.count(event_kind::free) == 20'000);
    CHECK(c.info.state == trace_state::running);
    CHECK(c.health == trace_health{});
}

TEST_CASE("processes: whatever page the file of a killed process is cut at, its missing end is noticed", "[recorder][processes]") {
    const scratch_folder folder;
    CHECK(execute({.command = {SUBJECT_C, "kill", "20000"}, .trace = folder / "t"}).signal() == SIGKILL);
    const std::vector<char> whole = trace_support::bytes_of(folder / "t");
    REQUIRE(whole.size() > 10 * 4096);
    for (std::size_t size = 4096; size < whole.size(); size += 4096) {
        const auto cut = ashlar::trace_reader::open(trace_support::as_bytes(whole).first(size));
        REQUIRE(cut);
        REQUIRE(cut.health().missing_bytes == whole.size() - size);
    }
}

TEST_CASE("processes: a kill at any moment leaves a readable trace of a possible history", "[recorder][processes]") {
    for (int round = 0; round < 25; ++round) {
        const scratch_folder folder;
        run what{.command = {SUBJECT_C, "forever"}, .trace = folder / "t"};
        what.before_exec = [=] {
            // The kernel kills it after a while of its own choosing.
            const pid_t victim = getpid();
            if (::fork() == 0) {
                usleep(static_cast<useconds_t>(3000 + round * 1777));
                kill(victim, SIGKILL);
                _exit(0);
            }
        };
        CHECK(execute(what).signal() == SIGKILL);
        const contents c(folder / "t");
        if (!c.error.empty()) continue;  // killed before it had begun
        CHECK(c.health == trace_health{});
        const int live = c.count(event_kind::malloc) - c.count(event_kind::free);
        CHECK(live >= 0);
        CHECK(live <= 16);
    }
}

TEST_CASE("processes: leaving by _exit, abort or quick_exit loses nothing", "[recorder][processes]") {
    for (const char* mode : {"_exit", "abort", "quick_exit"}) {
        CAPTURE(mode);
        const scratch_folder folder;
        execute({.command = {SUBJECT_C, mode, "7000"}, .trace = folder / "t"});
        const contents c(folder / "t");
        CHECK(c.count(event_kind::malloc) == 7000);
        CHECK(c.count(event_kind::free) == 7000);
    }
}

TEST_CASE("processes: a program that closes all its files and opens its own is recorded to the end",
          "[recorder][processes]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "closefds", "200000"}, .trace = folder / "t"}).exit_code() == 0);
    const contents c(folder / "t");
    CHECK(c.count(event_kind::malloc) == 200'001);
    CHECK(c.info.state == trace_state::closed);
    CHECK(c.health == trace_health{});
}

TEST_CASE("processes: the program finds no open file of the recorder among its low numbers", "[recorder][processes]") {
    const scratch_folder folder;
    run what{.command = {"/bin/ls", "-x", "-w", "1000", "/proc/self/fd"}, .trace = folder / "t"};
    what.before_exec = [] {
        dup2(2, 1);
        for (int fd = 3; fd < 1024; ++fd) close(fd);
    };
    CHECK(execute(what).said.substr(0, 14) == "0  1  2  3  40");  // 3 is ls's own, the last is the recorder's
    what.preload = "";
    CHECK(execute(what).said == "0  1  2  3\n");
}

TEST_CASE("processes: what exists under the trace's name is never touched", "[recorder][processes]") {
    const scratch_folder folder;
    std::ofstream(folder / "t") << "precious";
    REQUIRE(execute({.command = {SUBJECT_C, "churn", "10"}, .trace = folder / "t"}).exit_code() == 0);
    CHECK(trace_support::bytes_of(folder / "t").size() == 8);
    CHECK(contents(other_file(folder)).count(event_kind::malloc) == 10);
    std::filesystem::create_symlink(folder / "victim", folder / "link");
    REQUIRE(execute({.command = {SUBJECT_C, "churn", "10"}, .trace = folder / "link"}).exit_code() == 0);
    CHECK_FALSE(std::filesystem::exists(folder / "victim"));
}

TEST_CASE("processes: a relative name is meant from where the program was started", "[recorder][processes]") {
    const scratch_folder folder;
    REQUIRE(execute({.command = {SUBJECT_C, "closefds", "100000"},
                     .trace = "t",
                     .before_exec = [&] { chdir(folder.path().c_str()); }}).exit_code() == 0);
    CHECK(contents(folder / "t").count(event_kind::malloc) == 100'001);
}
