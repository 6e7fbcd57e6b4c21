#include "ashlar/os/pinning.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "ashlar/os/platform.hpp"
#include "support/in_child.hpp"
#include "support/sanitizer.hpp"

namespace os = ashlar::os;

TEST_CASE("pinning: what is locked is present, and a limit is told apart from a refusal", "[os][pinning]") {
    if (support::sanitized) return;  // a sanitizer makes mlock do nothing
    const auto end = support::in_child([] {
        const std::size_t page = os::page_size();
        const auto pages = os::reserve(8 * page, page);
        if (!pages || !os::commit(pages->data, pages->size)) return 1;
        errno = 7;
        if (os::lock_limit() >= 8 * page && os::lock(pages->data, pages->size) != os::locking::locked) return 2;
        if (!os::unlock(pages->data, pages->size)) return 3;
        const rlimit limit{page, page};
        if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || os::lock_limit() != page) return 4;
        if (geteuid() == 0 && setuid(65'534) != 0) return 0;  // with CAP_IPC_LOCK there is no limit to meet
        if (os::lock(pages->data, pages->size) != os::locking::past_limit) return 5;
        return errno == 7 ? 0 : 6;
    });
    CHECK(end.status == 0);
}

TEST_CASE("pinning: a thread's page faults are counted", "[os][pinning]") {
    const auto before = os::thread_faults();
    const auto pages = os::reserve(64 * os::page_size(), os::page_size());
    REQUIRE((pages && os::commit(pages->data, pages->size)));
    for (std::size_t at = 0; at < pages->size; at += os::page_size()) pages->data[at] = std::byte{1};
    CHECK(os::thread_faults().minor > before.minor);
    os::release(pages->data, pages->size);
}

TEST_CASE("pinning: there is no node of that number", "[os][pinning]") {
    const auto pages = os::reserve(os::page_size(), os::page_size());
    REQUIRE(pages);
    CHECK_FALSE(os::bind_to_node(pages->data, pages->size, 1023));
    CHECK_FALSE(os::bind_to_node(pages->data, pages->size, 5000));
    os::release(pages->data, pages->size);
}
