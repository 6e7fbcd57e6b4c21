// apps/ashlar/replay_shared.hpp - a pass whose steps many threads do at once, as they were recorded.
//
// Layer:      apps/ashlar
// Complexity: that of the steps; the thread that began it looks on every few milliseconds.
// Failure:    as replay_passes; where a thread cannot be made nothing is replayed.
// Threads:    one for each stream.
// Checked by: tests/tool/replay_threads_test.py
//
// Memory is looked at by the clock, not by the step: threads that run freely are in no fixed order.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "ashlar/observe/replay_team.hpp"
#include "replay_passes.hpp"

namespace ashlar::app {

inline constexpr std::uint64_t most_streams = 512;

/// Threads that wait at a gate, and then follow their streams. Made without malloc: it is that which is measured.
template <class Follow>
class replay_threads {
public:
    explicit replay_threads(Follow& follow) noexcept : follow_(follow) {}

    /// @returns false where not all could be made; then those that were go away
    bool gather(std::uint64_t count) noexcept {
        for (; made_ < count; ++made_) {
            members_[made_] = {this, made_};
            if (pthread_create(&threads_[made_], nullptr, enter, &members_[made_]) != 0) break;
        }
        while (here_.load() < made_) std::this_thread::yield();
        if (made_ == count) return true;
        open(false);
        join();
        return false;
    }
    void open(bool go) noexcept {
        gate_.store(go ? 1 : 2);
        gate_.notify_all();
    }
    std::uint64_t running() const noexcept { return here_.load(); }
    void join() noexcept {
        for (std::uint64_t i = 0; i < made_; ++i) pthread_join(threads_[i], nullptr);
    }

private:
    struct member {
        replay_threads* team = nullptr;
        std::uint64_t stream = 0;
    };
    static void* enter(void* argument) noexcept {
        const member& me = *static_cast<member*>(argument);
        replay_threads& team = *me.team;
        team.here_.fetch_add(1);
        team.gate_.wait(0);
        if (team.gate_.load() == 1) team.follow_(me.stream);
        team.here_.fetch_sub(1);
        return nullptr;
    }

    Follow& follow_;
    std::atomic<int> gate_{0};
    std::atomic<std::uint64_t> here_{0};
    std::uint64_t made_ = 0;
    std::array<pthread_t, most_streams> threads_{};
    std::array<member, most_streams> members_{};
};

template <replay_heap H>
void replay_passes::run_shared(H& heap) noexcept {
    if (!lead_in(heap)) return;
    replay_team team(with_.steps, with_.streams, with_.marks);
    std::atomic<replay_fault> fault{replay_fault::none};
    const auto act = [&](std::uint64_t i) noexcept {
        const replay_step& step = with_.steps[i];
        replay_slot& slot = with_.slots[step.slot];
        if (which_ == replay_pass::latency) return replay_each(heap, with_.steps, with_.slots, i, i + 1, touch_, with_.ticks) == i + 1;
        if (which_ == replay_pass::check) {
            replay_fault found = replay_fault::none;
            if (check_step(heap, step, slot, with_.generations[step.slot], found)) return true;
            if (found != replay_fault::none) fault = found;
            return false;
        }
        if (!detail::do_step(heap, step, slot)) return false;
        detail::touch_block(step, slot, touch_);
        return true;
    };
    auto follow = [&](std::uint64_t stream) noexcept { team.follow(stream, act); };
    replay_threads threads(follow);
    const std::uint64_t memory = own_memory();
    if (!threads.gather(with_.streams.size())) return;
    const std::uint64_t faults = page_faults();
    const std::uint64_t began = processor_ns();
    const std::uint64_t wall = os::now_ns();
    deadline_ns_ = began + limit_ns_;
    threads.open(true);
    const auto look = [&] {
        const std::uint64_t now = own_memory();
        outcome_.end_footprint = now > memory ? now - memory : 0;
        if (outcome_.end_footprint > outcome_.peak_footprint) outcome_.peak_footprint = outcome_.end_footprint;
    };
    while (threads.running() > 0) {
        if (which_ == replay_pass::footprint) look();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        if (processor_ns() > deadline_ns_ || os::now_ns() - wall > 4 * limit_ns_) team.stop();
    }
    const std::uint64_t taken = processor_ns() - began;
    outcome_.nanoseconds = taken > team.waited_ns() ? taken - team.waited_ns() : 0;
    outcome_.wall_nanoseconds = os::now_ns() - wall;
    threads.join();
    if (which_ == replay_pass::footprint) look();
    outcome_.page_faults = page_faults() - faults;
    at_ = team.failed() == replay_team::none ? team.done() : team.failed();
    outcome_.fault = fault;
    if (outcome_.fault != replay_fault::none) stop(outcome_state::faulty);
    else if (team.failed() != replay_team::none) stop(outcome_state::refused);
    else if (team.stopped()) stop(outcome_state::too_slow);
    else if (which_ == replay_pass::check && check_rest(with_.steps.size(), with_.slots, with_.generations).fault != replay_fault::none) {
        outcome_.fault = replay_fault::overwritten;
        stop(outcome_state::faulty);
    } else {
        outcome_.state = outcome_state::done;
    }
}

}  // namespace ashlar::app
