#include "../../src/observe/trace_file.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <set>
#include <thread>

#include "ashlar/os/platform.hpp"
#include "trace_support.hpp"

using namespace ashlar;
using trace_support::scratch_folder;

namespace {

void unmap(trace_window w) { trace_system::unmap_window(w.base, static_cast<std::size_t>(w.end - w.base)); }

/// Which of our descriptors leads to that file.
int descriptor_of(const std::string& path) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code none;
        if (std::filesystem::read_symlink(entry.path(), none) == path) return std::stoi(entry.path().filename().string());
    }
    return -1;
}

}  // namespace

TEST_CASE("trace_file: windows that threads take at once are disjoint, zero and writable", "[observe][trace_file]") {
    const scratch_folder folder;
    auto file = std::make_unique<trace_file>();
    REQUIRE(file->open((folder / "t").c_str(), {}, trace_clock()) == 0);
    std::vector<std::vector<trace_window>> taken(4);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < taken.size(); ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < 50; ++i) {
                taken[t].push_back(file->take(std::size_t{4096} << i % 3, false));
                const trace_window& w = taken[t].back();
                if (w.at != nullptr) std::memset(w.at, static_cast<int>(t + 1), static_cast<std::size_t>(w.end - w.at));
            }
        });
    }
    for (auto& t : threads) t.join();
    for (std::size_t t = 0; t < taken.size(); ++t) {  // trace_file.I1: nobody wrote over another's
        for (const trace_window& w : taken[t]) {
            REQUIRE(w.base != nullptr);
            for (const std::byte* p = w.at; p != w.end; ++p) REQUIRE(*p == static_cast<std::byte>(t + 1));
            unmap(w);
        }
    }
    file->release();
}

TEST_CASE("trace_file: what is left of a window is taken up again, zeroed", "[observe][trace_file]") {
    const scratch_folder folder;
    auto file = std::make_unique<trace_file>();
    REQUIRE(file->open((folder / "t").c_str(), {}, trace_clock()) == 0);
    trace_window w = file->take(1, true);
    const std::size_t bytes = static_cast<std::size_t>(w.end - w.at);
    CHECK(bytes == os::page_size());
    std::memset(w.at, 1, 1024);
    w.at += 1024;
    file->leave(w);
    const trace_window again = file->take(1, true);
    CHECK(again.at == w.at);
    CHECK(again.end == w.end);
    for (const std::byte* p = again.at; p != again.end; ++p) REQUIRE(*p == std::byte{0});
    const trace_window fresh = file->take(1, true);
    CHECK(fresh.at != again.at);
    unmap(again);
    unmap(fresh);
    file->release();
}

TEST_CASE("trace_file: a descriptor that was closed or taken by another file is replaced, and the other left alone",
          "[observe][trace_file]") {
    const scratch_folder folder;
    auto file = std::make_unique<trace_file>();
    const std::string path = std::filesystem::canonical(folder.path()) / "t";
    REQUIRE(file->open(path.c_str(), {}, trace_clock()) == 0);
    const int held = descriptor_of(path);
    REQUIRE(held >= 32);
    CHECK((fcntl(held, F_GETFD) & FD_CLOEXEC) != 0);
    const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE(dup2(other, held) == held);  // trace_file.I2
    const trace_window w = file->take(1, false);
    REQUIRE(w.base != nullptr);
    CHECK(fcntl(held, F_GETFD) >= 0);  // it is the program's
    CHECK(descriptor_of(path) != held);
    unmap(w);
    ::close(other);

    SECTION("but when the file is gone by name as well, the trace is cut") {
        ::close(descriptor_of(path));
        std::filesystem::remove(path);
        CHECK(file->take(1, false).base == nullptr);
        CHECK(file->is_cut());
        CHECK(file->take(1, false).base == nullptr);
    }
    file->release();
    ::close(held);
}

TEST_CASE("trace_file: errno is the caller's whatever happens inside", "[observe][trace_file]") {
    const scratch_folder folder;
    auto file = std::make_unique<trace_file>();
    errno = 4711;
    REQUIRE(file->open((folder / "t").c_str(), {}, trace_clock()) == 0);
    CHECK(std::make_unique<trace_file>()->open((folder / "t").c_str(), {}, trace_clock()) == EEXIST);
    const trace_window w = file->take(1, false);
    file->leave(w);
    file->release();
    CHECK(errno == 4711);
}
