#include "ashlar/os/platform.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "ashlar/foundation/alignment.hpp"
#include "support/broken_contract.hpp"
#include "support/in_child.hpp"

namespace os = ashlar::os;
using support::in_child;

namespace {

constexpr std::size_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;

bool all_zero(const std::byte* p, std::size_t size) {
    return std::all_of(p, p + size, [](std::byte b) { return b == std::byte{0}; });
}

/// How many lines of /proc/self/maps lie in the range: the mappings the kernel keeps for it.
int mappings_of(const ashlar::block& range) {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);) {
        const auto first = std::stoull(line, nullptr, 16);
        const auto begin = reinterpret_cast<std::uintptr_t>(range.data);
        count += first >= begin && first < begin + range.size;
    }
    return count;
}

}  // namespace

TEST_CASE("platform: the page size is the kernel's", "[os][platform]") {
    CHECK(os::page_size() == static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
    CHECK(ashlar::is_power_of_two(os::page_size()));
}

TEST_CASE("platform: a huge page is a power of two of many pages, or there is none", "[os][platform]") {
    const std::size_t huge = os::huge_page_size();
    CHECK((huge == 0 || (ashlar::is_power_of_two(huge) && huge > os::page_size())));
}

TEST_CASE("platform: a reservation stands at any alignment asked for", "[os][platform]") {
    for (std::size_t align = 1; align <= 4 * GiB; align *= 2) {
        const auto granted = os::reserve(3 * os::page_size(), align);
        REQUIRE(granted);
        CHECK(ashlar::is_aligned(granted->data, align));
        CHECK(granted->size == 3 * os::page_size());
        CHECK(os::release(granted->data, granted->size));
    }
}

TEST_CASE("platform: reservations at large alignments are disjoint and leave no slack mapped", "[os][platform]") {
    const std::size_t before = [] {
        std::ifstream statm("/proc/self/statm");
        std::size_t pages = 0;
        statm >> pages;
        return pages * os::page_size();
    }();
    std::vector<ashlar::block> blocks;
    for (int i = 0; i < 64; ++i) blocks.push_back(*os::reserve(MiB, 4 * MiB));
    std::sort(blocks.begin(), blocks.end(), [](auto& a, auto& b) { return a.data < b.data; });
    for (std::size_t i = 1; i < blocks.size(); ++i) CHECK(blocks[i - 1].end() <= blocks[i].data);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    CHECK(pages * os::page_size() - before < 64 * MiB + MiB);
    for (const auto& b : blocks) CHECK(os::release(b.data, b.size));
}

TEST_CASE("platform: an impossible reservation is refused and errno is kept", "[os][platform]") {
    errno = 77;
    CHECK_FALSE(os::reserve(std::size_t{1} << 60, 1));
    CHECK_FALSE(os::reserve(MiB, std::size_t{1} << 62));
    CHECK_FALSE(os::reserve(std::size_t{0} - os::page_size(), std::size_t{1} << 63));
    CHECK(errno == 77);
}

TEST_CASE("platform: a reservation refused at its full size is halved until it fits", "[os][platform]") {
    const auto granted = os::reserve_up_to(std::size_t{1} << 60, MiB, 4 * MiB);
    REQUIRE(granted);
    CHECK(granted->size < (std::size_t{1} << 60));
    CHECK(granted->size >= MiB);
    CHECK(ashlar::is_aligned(granted->data, 4 * MiB));
    CHECK(os::release(granted->data, granted->size));
    CHECK_FALSE(os::reserve_up_to(std::size_t{1} << 62, std::size_t{1} << 60, 1));
}

TEST_CASE("platform: committed pages read as zero, and again after decommit or purge", "[os][platform]") {
    const std::size_t size = 16 * os::page_size();
    const auto b = *os::reserve(size, 1);
    REQUIRE(os::commit(b.data, size));
    CHECK(all_zero(b.data, size));
    std::memset(b.data, 0xa5, size);
    REQUIRE(os::purge(b.data, size));
    CHECK(all_zero(b.data, size));
    std::memset(b.data, 0xa5, size);
    REQUIRE(os::decommit(b.data, size));
    REQUIRE(os::commit(b.data, size));
    CHECK(all_zero(b.data, size));
    CHECK(os::release(b.data, size));
}

TEST_CASE("platform: reserved, decommitted and protected pages cannot be touched", "[os][platform]") {
    const std::size_t page = os::page_size();
    const auto killed_by = [](std::byte* p, bool write) {
        return in_child([=] {
                   std::signal(SIGSEGV, SIG_DFL);
                   if (write) *const_cast<volatile std::byte*>(p) = std::byte{1};
                   return static_cast<int>(*const_cast<volatile std::byte*>(p)) & 0;
               }).signal;
    };
    const auto b = *os::reserve(4 * page, 1);
    CHECK(killed_by(b.data, false) == SIGSEGV);
    REQUIRE(os::commit(b.data, 4 * page));
    CHECK(killed_by(b.data, true) == 0);
    REQUIRE(os::decommit(b.data + page, page));
    CHECK(killed_by(b.data + page, false) == SIGSEGV);
    CHECK(killed_by(b.data + 2 * page, true) == 0);
    REQUIRE(os::protect(b.data, page, os::access::read));
    CHECK(killed_by(b.data, false) == 0);
    CHECK(killed_by(b.data, true) == SIGSEGV);
    REQUIRE(os::protect(b.data, page, os::access::none));
    CHECK(killed_by(b.data, false) == SIGSEGV);
    CHECK(os::release(b.data, 4 * page));
}

TEST_CASE("platform: commit in steps and decommit leave as few mappings as one commit", "[os][platform]") {
    const std::size_t page = os::page_size();
    const auto b = *os::reserve(64 * page, 64 * page);
    for (std::size_t at = 0; at < 64; ++at) {
        REQUIRE(os::commit(b.data + at * page, page));
        b.data[at * page] = std::byte{1};
    }
    CHECK(mappings_of(b) <= 1);  // 0 where the kernel joined it to a mapping that begins before it
    for (std::size_t at = 0; at < 64; at += 2) REQUIRE(os::decommit(b.data + at * page, page));
    for (std::size_t at = 1; at < 64; at += 2) REQUIRE(os::decommit(b.data + at * page, page));
    CHECK(mappings_of(b) <= 1);
    CHECK(os::release(b.data, b.size));
}

TEST_CASE("platform: a part of a reservation can be released", "[os][platform]") {
    const std::size_t page = os::page_size();
    const auto b = *os::reserve(8 * page, 1);
    REQUIRE(os::release(b.data + 2 * page, 3 * page));
    REQUIRE(os::commit(b.data, 2 * page));
    REQUIRE(os::commit(b.data + 5 * page, 3 * page));
    CHECK_FALSE(os::commit(b.data, 8 * page));  // a hole is in it
    CHECK(os::release(b.data, 2 * page));
    CHECK(os::release(b.data + 5 * page, 3 * page));
}

TEST_CASE("platform: remap keeps the contents, wherever the range ends up", "[os][platform]") {
    const std::size_t page = os::page_size();
    const auto b = *os::reserve(4 * page, 1);
    REQUIRE(os::commit(b.data, b.size));
    std::memset(b.data, 0x5c, b.size);
    const auto longer = os::remap(b.data, 4 * page, 1024 * page, true);
    REQUIRE(longer);
    CHECK(longer->size == 1024 * page);
    CHECK(longer->data[4 * page - 1] == std::byte{0x5c});
    CHECK(all_zero(longer->data + 4 * page, 1020 * page));
    const auto shorter = os::remap(longer->data, 1024 * page, 2 * page, false);
    REQUIRE(shorter);
    CHECK(shorter->data == longer->data);
    CHECK(os::release(shorter->data, shorter->size));
}

TEST_CASE("platform: remap that may not move refuses where the room behind is taken", "[os][platform]") {
    const std::size_t page = os::page_size();
    const auto b = *os::reserve(4 * page, 1);
    REQUIRE(os::commit(b.data, 2 * page));
    CHECK_FALSE(os::remap(b.data, 2 * page, 4 * page, false));
    b.data[2 * page - 1] = std::byte{1};  // still there
    CHECK(os::release(b.data, b.size));
}

TEST_CASE("platform: populate makes the pages resident, and refuses pages that are not committed",
          "[os][platform]") {
    const std::size_t size = 256 * os::page_size();
    const auto b = *os::reserve(size, 1);
    CHECK_FALSE(os::populate(b.data, size));
    REQUIRE(os::commit(b.data, size));
    const std::size_t before = os::resident_bytes();
    REQUIRE(os::populate(b.data, size));
    CHECK(os::resident_bytes() >= before + size / 2);
    std::vector<unsigned char> resident(256);
    REQUIRE(mincore(b.data, size, resident.data()) == 0);
    CHECK(std::all_of(resident.begin(), resident.end(), [](unsigned char r) { return (r & 1) != 0; }));
    CHECK(os::release(b.data, size));
}

TEST_CASE("platform: advice is taken or refused, and harms nothing", "[os][platform]") {
    const auto b = *os::reserve(4 * MiB, 2 * MiB);
    REQUIRE(os::commit(b.data, b.size));
    if (os::huge_page_size() != 0) CHECK(os::advise(b.data, b.size, os::advice::huge_pages));
    b.data[MiB] = std::byte{9};
    static_cast<void>(os::advise(b.data, b.size, os::advice::no_huge_pages));
    CHECK(os::advise(b.data, b.size, os::advice::no_dump));
    CHECK(os::advise(b.data, b.size, os::advice::dump));
    if (os::advise(b.data, os::page_size(), os::advice::guard)) {  // Linux 6.13
        CHECK(os::advise(b.data, os::page_size(), os::advice::no_guard));
        CHECK(b.data[0] == std::byte{0});
    }
    CHECK(b.data[MiB] == std::byte{9});
    CHECK(os::release(b.data, b.size));
}

TEST_CASE("platform: every thread has its own id, the kernel's", "[os][platform]") {
    CHECK(os::thread_id() == static_cast<std::uint32_t>(gettid()));
    CHECK(os::thread_id() == os::thread_id());
    std::uint32_t other = 0;
    bool kernels = false;
    std::thread([&] {
        other = os::thread_id();
        kernels = other == static_cast<std::uint32_t>(gettid());
    }).join();
    CHECK(kernels);
    CHECK(other != os::thread_id());
}

TEST_CASE("platform: the child of fork has an id of its own at once", "[os][platform]") {
    static_cast<void>(os::thread_id());
    CHECK(in_child([] { return os::thread_id() == static_cast<std::uint32_t>(getpid()) ? 0 : 1; }).status == 0);
    int status = 1;
    std::thread([&] {  // also from a thread that is not the first
        static_cast<void>(os::thread_id());
        status = in_child([] { return os::thread_id() == static_cast<std::uint32_t>(getpid()) ? 0 : 1; }).status;
    }).join();
    CHECK(status == 0);
}

TEST_CASE("platform: processors are counted and this thread runs on one of the machine's", "[os][platform]") {
    CHECK(os::cpu_count() >= 1);
    CHECK(os::cpu_count() <= static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_CONF)));
    CHECK(os::cpu_id() < static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_CONF)));
}

TEST_CASE("platform: a limit of address space is told as it is at the moment", "[os][platform]") {
    CHECK(in_child([] {
        const rlimit limit{std::size_t{3} << 40, RLIM_INFINITY};
        if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
        if (os::address_space_limit() != std::size_t{3} << 40) return 2;
        const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
        return setrlimit(RLIMIT_AS, &none) == 0 && os::address_space_limit() == SIZE_MAX ? 0 : 3;
    }).status == 0);
}

TEST_CASE("platform: a fence can be raised in all threads, and errno stays", "[os][platform]") {
    errno = 5;
    CHECK(os::fence_all_threads());
    CHECK(os::fence_all_threads());
    CHECK(errno == 5);
}

TEST_CASE("platform: time does not run backwards", "[os][platform]") {
    auto last = os::now_ns();
    for (int i = 0; i < 1000; ++i) {
        const auto now = os::now_ns();
        REQUIRE(now >= last);
        last = now;
    }
    CHECK(last != 0);
}

TEST_CASE("platform: random words differ, and are not 0", "[os][platform]") {
    const auto first = os::random_word();
    const auto second = os::random_word();
    CHECK(first != second);
    CHECK(first != 0);
    CHECK(second != 0);
}

TEST_CASE("platform: sizes and addresses that are not whole pages break the contract", "[os][platform]") {
    const auto b = *os::reserve(os::page_size(), 1);
    CHECK_FALSE(support::broken_contract([] { static_cast<void>(os::reserve(100, 1)); }).empty());
    CHECK_FALSE(support::broken_contract([] { static_cast<void>(os::reserve(0, 1)); }).empty());
    CHECK_FALSE(support::broken_contract([] { static_cast<void>(os::reserve(os::page_size(), 3)); }).empty());
    CHECK_FALSE(support::broken_contract([&] { os::commit(b.data + 1, os::page_size()); }).empty());
    CHECK_FALSE(support::broken_contract([&] { os::release(b.data, 1); }).empty());
    CHECK(os::release(b.data, b.size));
}
