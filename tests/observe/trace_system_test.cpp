#include "../../src/observe/trace_system.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ashlar/os/platform.hpp"
#include "trace_support.hpp"

namespace sys = ashlar::trace_system;
using trace_support::scratch_folder;

TEST_CASE("trace_system: creating never opens what is there, be it a file or a link", "[observe][trace_system]") {
    const scratch_folder folder;
    const int file = sys::create((folder / "a").c_str());
    REQUIRE(file >= 0);
    CHECK(sys::create((folder / "a").c_str()) == -EEXIST);
    std::filesystem::create_symlink(folder / "nowhere", folder / "link");
    CHECK(sys::create((folder / "link").c_str()) == -EEXIST);
    CHECK(sys::open_existing((folder / "link").c_str(), true) < 0);
    CHECK(sys::open_existing(folder.path().c_str(), false) == -EISDIR);
    sys::close(file);
}

TEST_CASE("trace_system: renaming to a name that is taken is refused", "[observe][trace_system]") {
    const scratch_folder folder;
    std::ofstream(folder / "a") << "a";
    std::ofstream(folder / "b") << "b";
    CHECK(sys::rename_to_new((folder / "a").c_str(), (folder / "b").c_str()) == EEXIST);
    CHECK(sys::rename_to_new((folder / "a").c_str(), (folder / "c").c_str()) == 0);
    CHECK(std::filesystem::exists(folder / "c"));
    CHECK_FALSE(std::filesystem::exists(folder / "a"));
}

TEST_CASE("trace_system: memory wiped on fork is zero in the child and as before in the parent", "[observe][trace_system]") {
    std::byte* page = sys::map_wiped_on_fork(ashlar::os::page_size());
    REQUIRE(page != nullptr);
    *page = std::byte{7};
    const pid_t child = fork();
    if (child == 0) _exit(*page == std::byte{0} ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(*page == std::byte{7});
    sys::unmap_window(page, ashlar::os::page_size());
}

TEST_CASE("trace_system: a process knows its start, its program and its command line", "[observe][trace_system]") {
    CHECK(sys::process() == static_cast<std::uint32_t>(getpid()));
    const std::uint64_t start = sys::process_start();
    CHECK(start > 0);
    const pid_t child = fork();
    if (child == 0) {
        usleep(30'000);  // a child has a start of its own; the kernel counts in 10 ms
        _exit(sys::process_start() >= start ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    char text[4096];
    const std::size_t n = sys::executable(text, sizeof text);
    CHECK(std::string(text, n) == std::filesystem::read_symlink("/proc/self/exe").string());
    bool cut = true;
    CHECK(sys::command_line(text, sizeof text, cut) > 0);
    CHECK_FALSE(cut);
    CHECK(sys::command_line(text, 2, cut) == 2);
    CHECK(cut);
    CHECK(std::string(text, sys::working_directory(text, sizeof text)) == std::filesystem::current_path().string());
}

TEST_CASE("trace_system: what was reserved can be written and reads as zero before", "[observe][trace_system]") {
    const scratch_folder folder;
    const int file = sys::create((folder / "a").c_str());
    const std::size_t page = ashlar::os::page_size();
    REQUIRE(sys::reserve_space(file, page, 2 * page) == 0);
    CHECK(sys::size_of(file) == 3 * page);
    std::byte* p = sys::map_window(file, page, 2 * page);
    REQUIRE(p != nullptr);
    CHECK(p[0] == std::byte{0});
    std::memset(p, 5, 2 * page);
    char back = 0;
    CHECK(sys::read_at(file, &back, 1, 3 * page - 1) == 1);
    CHECK(back == 5);
    CHECK(sys::read_at(file, &back, 1, 3 * page) == 0);
    sys::unmap_window(p, 2 * page);
    sys::close(file);
}
