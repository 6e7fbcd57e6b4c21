// ashlar/os/pinning.hpp - keeping memory where it is: locked, bound to a node; and counting what was not foreseen.
//
// Layer:      os
// Source:     mlock(2), mlockall(2), mbind(2), getrusage(2), seccomp(2).
// Complexity: a system call each; lock touches every page.
// Failure:    a refusal is a value that says why; errno is kept as the caller had it.
// Threads:    every function may be called from any thread; none allocates.
// Checked by: tests/os/pinning_test.cpp, tests/realtime/rt_region_test.cpp
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace ashlar::os {

enum class locking : std::uint8_t {
    locked,      ///< the pages are in memory and stay there
    past_limit,  ///< lock_limit() forbids it
    refused      ///< no memory, or not committed
};

/// Brings committed pages into memory and keeps them there until unlock or release. @pre whole pages
locking lock(std::byte* p, std::size_t size) noexcept;
bool unlock(std::byte* p, std::size_t size) noexcept;
/// The same for all that the process has mapped at this moment: code, stacks, data.
locking lock_process() noexcept;
/// Bytes that this process may lock (RLIMIT_MEMLOCK); the most there is where it has no limit.
std::size_t lock_limit() noexcept;
/// Takes the pages from that NUMA node alone. @pre whole pages, not touched yet
bool bind_to_node(std::byte* p, std::size_t size, unsigned node) noexcept;

/// Page faults of the calling thread since it began: served from memory, and from a disk.
struct fault_counts {
    std::uint64_t minor, major;
    friend constexpr bool operator==(const fault_counts&, const fault_counts&) = default;
};
fault_counts thread_faults() noexcept;

/// From now on and for ever every system call of the calling thread is refused and counted, but for those that wait,
/// write, tell the time or thread_faults(), and end. For programs that must prove that they make none.
/// @returns false where the system cannot do that; then nothing has changed
bool ban_system_calls() noexcept;
/// How many were refused.
std::uint64_t banned_system_calls() noexcept;

/// What rt_region asks; a test gives another that refuses.
template <class P>
concept pinning = requires(std::byte* p, std::size_t n, unsigned node) {
    { P::lock(p, n) } noexcept -> std::same_as<locking>;
    { P::lock_limit() } noexcept -> std::same_as<std::size_t>;
    { P::bind_to_node(p, n, node) } noexcept -> std::same_as<bool>;
};
struct system_pinning {
    static locking lock(std::byte* p, std::size_t size) noexcept { return os::lock(p, size); }
    static std::size_t lock_limit() noexcept { return os::lock_limit(); }
    static bool bind_to_node(std::byte* p, std::size_t size, unsigned node) noexcept {
        return os::bind_to_node(p, size, node);
    }
};
static_assert(pinning<system_pinning>);

}  // namespace ashlar::os
