#include "ashlar/realtime/rt_region.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/realtime/magazine.hpp"
#include "ashlar/realtime/rt_heap.hpp"
#include "ashlar/realtime/shared_index_pool.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "support/in_child.hpp"
#include "support/sanitizer.hpp"

using namespace ashlar;

namespace {

struct no_locks : os::system_pinning {
    static os::locking lock(std::byte*, std::size_t) noexcept { return os::locking::past_limit; }
    static std::size_t lock_limit() noexcept { return 64 << 10; }
};

}  // namespace

TEST_CASE("rt_region: all of its memory is there, and faults no more", "[realtime][rt_region]") {
    rt_region region(3 << 20, {.lock = false});
    REQUIRE(region.ready());
    CHECK(region.memory().size == 3 << 20);
    CHECK(region.report().empty());
    region.seal();
    for (std::size_t at = 0; at < region.memory().size; at += 512) region.memory().data[at] = std::byte{1};
    const os::fault_counts faults = region.faults_since_seal();
    if (support::sanitized) return;  // a sanitizer's shadow of the memory faults
    CHECK((faults.minor + faults.major) * 4096 < region.memory().size / 16);  // of the test program's own; zero is shown below
}

TEST_CASE("rt_region: memory that cannot be locked is reported in one sentence and can be used", "[realtime][rt_region]") {
    basic_rt_region<os::system_pages, no_locks> region(1 << 20);
    CHECK(region.ready());
    CHECK_FALSE(region.locked());
    CHECK(std::string(region.report()) ==
          "the region of 1024 KiB cannot be locked: RLIMIT_MEMLOCK allows 64 KiB; raise it (ulimit -l, LimitMEMLOCK=) or "
          "grant CAP_IPC_LOCK.");
    region.memory().data[0] = std::byte{1};
}

TEST_CASE("rt_region: the system's own limit is met and told", "[realtime][rt_region]") {
    if (support::sanitized) return;  // a sanitizer makes mlock do nothing
    const auto end = support::in_child([] {
        const rlimit limit{16 << 10, 16 << 10};
        if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 1;
        if (geteuid() == 0 && setuid(65'534) != 0) return 0;  // with CAP_IPC_LOCK there is no limit to meet
        const rt_region region(1 << 20);
        if (!region.ready() || region.locked()) return 2;
        return region.report().find("RLIMIT_MEMLOCK allows 16 KiB") != std::string_view::npos ? 0 : 3;
    });
    CHECK(end.status == 0);
}

TEST_CASE("rt_region: whatever call is refused, nothing is kept and nothing is touched", "[realtime][rt_region]") {
    for (std::size_t n = 1; n < 8; ++n) {
        os::failing_pages<> pages;
        pages.fail(n);
        {
            basic_rt_region<os::failing_pages<>> region(pages, 1 << 16, {.lock = false, .huge_pages = true});
            CHECK((region.ready() || !region.report().empty()));
            if (region.ready()) region.memory().data[region.memory().size - 1] = std::byte{1};
        }
        pages.heal();
        if (n <= 4) CHECK(pages.refusals() == 1);
        if (n != 5) CHECK(pages.balanced());  // the fifth is the release itself
    }
    CHECK_FALSE(rt_region(layout::max_size, {.lock = false}).ready());
}

TEST_CASE("rt_region: what lies beside it faults", "[realtime][rt_region]") {
    for (const bool behind : {false, true}) {
        const auto end = support::in_child([behind] {
            signal(SIGSEGV, SIG_DFL);  // not the report of the test program
            rt_region region(1 << 16, {.lock = false});
            volatile std::byte* const edge = behind ? region.memory().end() : region.memory().data - 1;
            *edge = std::byte{1};
            return 0;
        });
        CHECK((end.signal != 0 || end.status != 0));
    }
}

TEST_CASE("rt_region: after seal neither a system call nor a page fault, whatever is allocated", "[realtime][rt_region]") {
    if (support::sanitized) return;  // a sanitizer's own memory faults
    const auto end = support::in_child([] {
        using pool = shared_index_pool<64, 16>;
        const std::size_t pool_bytes = pool::memory_bytes(1000);
        rt_region region(4 << 20);
        if (!region.ready()) return 1;
        static std::byte* held[1000];
        for (auto& p : held) p = region.memory().data;  // its pages too
        pool blocks({region.memory().data, pool_bytes});
        rt_heap<tlsf> heap({region.memory().data + pool_bytes, region.memory().size - pool_bytes});
        const auto small = *layout::make(64, 16);
        magazine<pool> mine(blocks);
        const auto work = [&](std::size_t rounds) {
            bool good = true;
            for (std::size_t round = 0; round < rounds; ++round) {
                for (std::size_t i = 0; i < 1000; ++i) {
                    const auto l = i % 2 == 0 ? small : *layout::make(100 + 37 * i % 3000, 16);
                    const auto granted = i % 2 == 0 ? mine.allocate(l) : heap.allocate(l);
                    good = good && granted.has_value();
                    held[i] = granted ? granted->data : nullptr;
                    if (granted) granted->data[granted->size - 1] = std::byte{1};
                }
                for (std::size_t i = 0; i < 1000; ++i) {
                    if (i % 2 == 0) mine.deallocate(held[i], small);
                    else heap.deallocate(held[i], *layout::make(100 + 37 * i % 3000, 16));
                }
            }
            return good;
        };
        if (!work(1)) return 2;  // the code itself is read from its file
        static_cast<void>(os::banned_system_calls());
        if (!os::ban_system_calls()) return 0;  // a kernel without seccomp: nothing can be counted
        bool without_faults = false;
        for (int attempt = 0; attempt < 5 && !without_faults; ++attempt) {  // a kernel that moves a page makes it fault once
            region.seal();
            if (!work(20)) return 3;
            without_faults = region.faults_since_seal() == os::fault_counts{0, 0};
        }
        if (os::banned_system_calls() != 0) return 4;
        if (!without_faults) return 5;
        getppid();  // and the count counts
        return os::banned_system_calls() == 1 ? 0 : 6;
    });
    CHECK(end.status == 0);
    CHECK(end.signal == 0);
}
