#include <sys/mman.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "ashlar/os/platform.hpp"
#include "support/in_child.hpp"
#include "support/sanitizer.hpp"

namespace os = ashlar::os;
using support::in_child;

namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;

// A sanitizer's shadow is itself terabytes of address space: the limits below leave it no room to live.
constexpr bool can_limit = !support::sanitized;

void limit_to(int what, std::size_t bytes) {
    const rlimit limit{bytes, bytes};
    setrlimit(static_cast<__rlimit_resource_t>(what), &limit);
}

}  // namespace

TEST_CASE("limits: under RLIMIT_AS a big reservation is halved until it fits", "[os][limits]") {
    if (!can_limit) return;
    const auto end = in_child([] {
        limit_to(RLIMIT_AS, 512 * MiB);
        errno = 11;
        const auto granted = os::reserve_up_to(std::size_t{1} << 40, 4 * MiB, 4 * MiB);
        if (!granted || granted->size < 64 * MiB || granted->size > 512 * MiB) return 1;
        if (errno != 11) return 2;
        if (!os::commit(granted->data, granted->size)) return 3;
        granted->data[granted->size - 1] = std::byte{1};
        return os::release(granted->data, granted->size) ? 0 : 4;
    });
    CHECK(end.status == 0);
}

TEST_CASE("limits: an aligned reservation fits where only its own size is left", "[os][limits]") {
    if (!can_limit) return;
    const auto end = in_child([] {
        limit_to(RLIMIT_AS, 512 * MiB);
        // Slack of 256 MiB for the alignment would not fit beside these.
        const auto granted = os::reserve(256 * MiB, 256 * MiB);
        if (!granted) return 1;
        return reinterpret_cast<std::uintptr_t>(granted->data) % (256 * MiB) == 0 ? 0 : 2;
    });
    CHECK(end.status == 0);
}

TEST_CASE("limits: under RLIMIT_DATA a commit is refused and the pages stay reserved", "[os][limits]") {
    if (!can_limit) return;
    const auto end = in_child([] {
        limit_to(RLIMIT_DATA, 64 * MiB);
        const auto granted = os::reserve(256 * MiB, 1);
        if (!granted) return 1;  // address space is not data
        if (os::commit(granted->data, 256 * MiB)) return 2;
        if (!os::commit(granted->data, MiB)) return 3;
        granted->data[0] = std::byte{1};
        if (!os::decommit(granted->data, MiB)) return 4;
        return os::release(granted->data, granted->size) ? 0 : 5;
    });
    CHECK(end.status == 0);
}

TEST_CASE("limits: locked pages refuse to be purged and keep their contents", "[os][limits]") {
    if (!can_limit) return;  // a sanitizer makes mlock do nothing
    const auto end = in_child([] {
        const auto b = *os::reserve(os::page_size(), 1);
        if (!os::commit(b.data, b.size)) return 1;
        b.data[7] = std::byte{42};
        if (mlock(b.data, b.size) != 0) return 0;  // not allowed here: nothing to show
        if (os::purge(b.data, b.size)) return 2;
        return b.data[7] == std::byte{42} ? 0 : 3;
    });
    CHECK(end.status == 0);
}
