// Several threads that mark one heap: each has a marker of its own, and who has much gives to who has nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "ashlar/gc/marker.hpp"

namespace ashlar::gc::detail {

class marking_team {
public:
    /// Marks what is reachable from what is on the marker's stack, with at most so many threads, its own included, and
    /// with at most so many bytes of the upstream for all stacks.
    /// Where no thread can be started it does so alone.
    static void drain(marker& first, any_ref upstream, unsigned threads, std::size_t most_bytes) noexcept;

    std::unique_lock<std::mutex> alone() noexcept { return std::unique_lock(upstream_); }

private:
    static constexpr std::size_t chunk_words = 256, chunk_count = 16;
    struct chunk {
        std::size_t words;
        std::uintptr_t entries[chunk_words];
    };

    void work(shared_marker& m) noexcept;
    void offer(shared_marker& m) noexcept;
    bool take(shared_marker& m) noexcept;
    void leave() noexcept;

    std::mutex upstream_, pool_;
    std::condition_variable changed_;
    std::atomic<unsigned> hungry_{0};
    unsigned members_ = 1;
    std::size_t chunks_ = 0;
    bool over_ = false;
    chunk given_[chunk_count];
};

}  // namespace ashlar::gc::detail
