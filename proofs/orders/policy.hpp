// What a scenario needs beside the atomics: a check. Each model checker gives a policy; the scenarios are templates over it.
#pragma once

#include <source_location>

#include "ashlar/malloc/fork_gate.hpp"
#include "ashlar/testing/explore.hpp"

namespace orders {

struct explored : ashlar::testing::explored_atomics {
    static void expect(bool is_so, const char* what, const std::source_location& where = std::source_location::current()) {
        ashlar::testing::expect(is_so, what, where);
    }
};
static_assert(ashlar::atomics_policy<explored>);

}  // namespace orders

/// The system under the fork gate: its fence is in all threads, time stands still, and who gives way waits for news.
template <>
struct ashlar::malloc::gate_system<orders::explored> {
    static bool fence_all_threads() noexcept {
        orders::explored::fence_everywhere();
        return true;
    }
    static std::uint64_t now_ns() noexcept { return 0; }
    static void yield() noexcept { orders::explored::pause(); }
};
