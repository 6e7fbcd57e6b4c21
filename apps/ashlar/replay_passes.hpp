// apps/ashlar/replay_passes.hpp - one pass of a script over one heap, for time, ticks, memory or correctness.
//
// Layer:      apps/ashlar
// Complexity: that of the loop; memory is looked at some hundreds of times, at moments that the script fixes.
// Failure:    the outcome says what the heap refused or did wrong; nothing is thrown.
// Threads:    one.
// Invariants: replay_passes.I1  nothing is allocated while a heap is measured
// Checked by: tests/tool/replay_test.py
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <span>

#include "ashlar/observe/replay_check.hpp"
#include "ashlar/observe/replay_loop.hpp"
#include "footprint.hpp"
#include "replay_order.hpp"

namespace ashlar::app {

/// Processor time of this process: what other programs take meanwhile is not the engine's.
inline std::uint64_t processor_ns() noexcept {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

class replay_passes {
public:
    struct tables {
        replay_facts facts;
        std::span<const replay_step> steps;
        std::span<replay_slot> slots;
        std::span<std::uint32_t> generations;  ///< for check; one a slot
        std::span<std::uint32_t> ticks;        ///< for latency; one a step
    };

    replay_passes(const tables& with, replay_pass which, replay_touch touch, std::uint64_t limit_ns)
        : with_(with), which_(which), touch_(touch), limit_ns_(limit_ns) {}

    const replay_facts& facts() const noexcept { return with_.facts; }
    const replay_outcome& outcome() const noexcept { return outcome_; }

    template <replay_heap H>
    void run(H& heap) noexcept {
        const std::uint64_t began = processor_ns();
        deadline_ns_ = began + limit_ns_;
        switch (which_) {
            case replay_pass::time: advance(heap, with_.steps.size()); break;
            case replay_pass::latency: advance(heap, with_.steps.size()); break;
            case replay_pass::footprint: watch_memory(heap); break;
            case replay_pass::check: check(heap); break;
        }
        outcome_.nanoseconds = processor_ns() - began;
        if (outcome_.state == outcome_state::died) outcome_.state = outcome_state::done;
    }

private:
    /// Looking at the clock so seldom costs nothing; a heap that takes a millisecond a step is stopped within seconds.
    static constexpr std::uint64_t stride = 4096;

    /// Does the steps up to `to`. @returns false once the heap has refused one, or time is up
    template <replay_heap H>
    bool advance(H& heap, std::uint64_t to) noexcept {
        while (at_ < to) {
            const std::uint64_t part = to - at_ < stride ? to : at_ + stride;
            const std::uint64_t reached =
                which_ == replay_pass::latency
                    ? replay_each(heap, with_.steps, with_.slots, at_, part, touch_, with_.ticks)
                    : replay(heap, with_.steps, with_.slots, at_, part, touch_);
            at_ = reached;
            if (reached < part) return stop(outcome_state::refused);
            if (processor_ns() > deadline_ns_) return stop(outcome_state::too_slow);
        }
        return true;
    }

    bool stop(outcome_state why) noexcept {
        outcome_.state = why;
        outcome_.step = at_;
        return false;
    }

    template <replay_heap H>
    void watch_memory(H& heap) noexcept {  // looks into a fixed array: replay_passes.I1
        plan_looks();
        const std::uint64_t before = own_memory();
        const auto grown = [before] {
            const std::uint64_t now = own_memory();
            return now > before ? now - before : 0;
        };
        for (std::size_t i = 0; i < looks_used_ && advance(heap, looks_[i]); ++i) {
            const std::uint64_t now = grown();
            if (now > outcome_.peak_footprint) outcome_.peak_footprint = now;
        }
        if (outcome_.state == outcome_state::died) advance(heap, with_.steps.size());
        outcome_.end_footprint = grown();
        if (outcome_.end_footprint > outcome_.peak_footprint) outcome_.peak_footprint = outcome_.end_footprint;
    }

    /// Where memory is looked at: at 128 equal distances, and whenever the live bytes have grown by a sixteenth
    /// beyond what they were at the last such look. Fixed by the script, so the same for every engine.
    void plan_looks() noexcept {
        std::uint64_t live = 0;
        std::uint64_t highest = 64 * 1024;
        const std::uint64_t distance = with_.steps.size() / 128 + 1;
        for (std::uint64_t i = 0; i < with_.steps.size(); ++i) {
            const replay_step& step = with_.steps[i];
            replay_slot& slot = with_.slots[step.slot];  // nobody's until the replay begins
            live -= slot.size;
            slot.size = step.op == replay_op::deallocate ? 0 : step.size & ((std::uint64_t{1} << 56) - 1);
            live += slot.size;
            const bool record = live > highest + highest / 16 || (live == with_.facts.peak_bytes && live > highest);
            if (record) highest = live;
            if ((record || (i + 1) % distance == 0) && looks_used_ < looks_.size()) looks_[looks_used_++] = i + 1;
        }
        for (auto& slot : with_.slots) slot = replay_slot{};
    }

    template <replay_heap H>
    void check(H& heap) noexcept {
        const replay_finding found = replay_checked(heap, with_.steps, with_.slots, with_.generations);
        at_ = found.step;
        outcome_.fault = found.fault;
        if (found.fault != replay_fault::none) stop(outcome_state::faulty);
        else if (found.step < with_.steps.size()) stop(outcome_state::refused);
    }

    tables with_;
    replay_pass which_;
    replay_touch touch_;
    std::uint64_t limit_ns_;
    std::uint64_t deadline_ns_ = 0;
    std::uint64_t at_ = 0;
    replay_outcome outcome_;
    std::array<std::uint64_t, 1024> looks_{};
    std::size_t looks_used_ = 0;
};

}  // namespace ashlar::app
