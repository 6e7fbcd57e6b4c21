// apps/ashlar/replay_passes.hpp - one pass of a script over one heap, for time, ticks, memory or correctness.
//
// Layer:      apps/ashlar
// Complexity: that of the loop; memory is looked at some hundreds of times, at moments that the script fixes.
// Failure:    the outcome says what the heap refused or did wrong; nothing is thrown.
// Threads:    one.
// Invariants: replay_passes.I1  nothing is allocated, by any allocator, while a heap is measured
// Checked by: tests/tool/replay_test.py
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <ctime>
#include <span>

#include "ashlar/observe/heap_observer.hpp"
#include "ashlar/observe/replay_check.hpp"
#include "ashlar/observe/replay_loop.hpp"
#include "ashlar/observe/replay_team.hpp"
#include "footprint.hpp"
#include "replay_order.hpp"

namespace ashlar::app {

/// Processor time of this process: what other programs take meanwhile is not the engine's.
inline std::uint64_t processor_ns() noexcept {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

/// Pages that the kernel had to give or to map since the process began.
inline std::uint64_t page_faults() noexcept {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<std::uint64_t>(used.ru_minflt + used.ru_majflt);
}

class replay_passes {
public:
    struct tables {
        replay_facts facts;
        std::span<const replay_step> steps;
        std::span<replay_slot> slots;
        std::span<std::uint32_t> generations;  ///< for check; one a slot
        std::span<std::uint32_t> ticks;        ///< for latency; one a step
        std::span<std::uint64_t> granted;      ///< for placement; one a slot
        replay_sights* sights = nullptr;       ///< for footprint and placement
        std::span<const replay_stream> streams{};  ///< where threads do the steps at once; then those in `steps` follow the lead-in
        std::span<replay_mark> marks{};            ///< one a stream
    };

    replay_passes(const tables& with, replay_pass which, replay_touch touch, std::uint64_t limit_ns)
        : with_(with), which_(which), touch_(touch), limit_ns_(limit_ns) {}

    const replay_facts& facts() const noexcept { return with_.facts; }
    const replay_outcome& outcome() const noexcept { return outcome_; }
    /// Whether the heap has to tell what it granted.
    bool wants_telling() const noexcept { return which_ == replay_pass::placement; }

    /// Whether the heap has to serve many threads at once.
    bool wants_sharing() const noexcept { return !with_.streams.empty(); }

    /// @pre !wants_sharing()
    template <replay_heap H>
    void run(H& heap) noexcept {
        deadline_ns_ = processor_ns() + limit_ns_;
        const bool timed = which_ == replay_pass::time || which_ == replay_pass::latency;
        if (timed && !lead_in(heap)) return;
        const std::uint64_t began = processor_ns();
        const std::uint64_t wall = os::now_ns();
        switch (which_) {
            case replay_pass::time: advance(heap, with_.steps.size()); break;
            case replay_pass::latency: advance(heap, with_.steps.size()); break;
            case replay_pass::footprint: watch_memory(heap); break;
            case replay_pass::check: check(heap); break;
            case replay_pass::placement:
                if constexpr (telling_heap<H>) watch_placement(heap);
                break;
        }
        outcome_.nanoseconds = processor_ns() - began;
        outcome_.wall_nanoseconds = os::now_ns() - wall;
        if (outcome_.state == outcome_state::died) outcome_.state = outcome_state::done;
    }

    /// The same by a thread for each stream. @pre wants_sharing(), and the heap is thread-safe
    template <replay_heap H>
    void run_shared(H& heap) noexcept;

private:
    /// The litter: it is done before anything is timed, and stamped where blocks are checked.
    template <replay_heap H>
    bool lead_in(H& heap) noexcept {
        if (which_ == replay_pass::check) {
            const replay_finding found =
                replay_checked(heap, with_.steps.first(with_.facts.lead_in), with_.slots, with_.generations);
            at_ = found.step;
            outcome_.fault = found.fault;
            if (found.fault != replay_fault::none) return stop(outcome_state::faulty);
            return at_ == with_.facts.lead_in || stop(outcome_state::refused);
        }
        at_ = replay(heap, with_.steps, with_.slots, 0, with_.facts.lead_in, touch_);
        return at_ == with_.facts.lead_in || stop(outcome_state::refused);
    }

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
    void watch_memory(H& heap) noexcept {  // replay_passes.I1
        plan_looks();
        replay_sights& sights = *with_.sights;
        const std::uint64_t before = own_memory();
        const auto grown = [before] {
            const std::uint64_t now = own_memory();
            return now > before ? now - before : 0;
        };
        const auto goes_to = [&](std::uint64_t to) {
            const std::uint64_t faults = page_faults();
            const bool done = advance(heap, to);
            outcome_.page_faults += page_faults() - faults;
            return done;
        };
        for (std::uint64_t i = 0; i < sights.looks && goes_to(sights.look[i].steps); ++i) {
            const std::uint64_t now = grown();
            sights.look[i].used = now;
            if (now > outcome_.peak_footprint) outcome_.peak_footprint = now;
        }
        if (outcome_.state == outcome_state::died) goes_to(with_.steps.size());
        outcome_.end_footprint = grown();
        if (outcome_.end_footprint > outcome_.peak_footprint) outcome_.peak_footprint = outcome_.end_footprint;
    }

    /// Where memory is looked at: at 128 equal distances, and whenever the live bytes have grown by a sixteenth
    /// beyond what they were at the last such look. Fixed by the script, so the same for every engine.
    void plan_looks() noexcept {
        replay_sights& sights = *with_.sights;
        sights.looks = 0;
        std::uint64_t live = 0;
        std::uint64_t highest = 64 * 1024;
        const std::uint64_t distance = with_.steps.size() / 128 + 1;
        for (std::uint64_t i = 0; i < with_.steps.size(); ++i) {
            const replay_step& step = with_.steps[i];
            replay_slot& slot = with_.slots[step.slot];  // nobody's until the replay begins
            live -= slot.size();
            slot = replay_slot(nullptr, step.op == replay_op::deallocate ? 0 : step.size, 0);
            live += slot.size();
            const bool record = live > highest + highest / 16 || (live == with_.facts.peak_bytes && live > highest);
            const bool regular = (i + 1) % distance == 0;
            if (record) highest = live;
            if (!(record || regular) || sights.looks == sights.look.size()) continue;
            replay_look& look = sights.look[sights.looks++];
            look.steps = i + 1;
            look.live = live;
            look.regular = regular ? 1 : 0;
        }
        for (auto& slot : with_.slots) slot = replay_slot{};
    }

    /// Writes nothing into the blocks: only where they lie is of interest.
    template <telling_heap H>
    void watch_placement(H& heap) noexcept {
        plan_looks();
        replay_sights& sights = *with_.sights;
        heap_observer observer(with_.granted);
        for (std::uint64_t i = 0, pictures = 0; i < sights.looks; ++i) {
            replay_look& look = sights.look[i];
            for (; at_ < look.steps; ++at_) {
                if (!observer.step(heap, with_.steps[at_], with_.slots[with_.steps[at_].slot])) return void(stop(outcome_state::refused));
                if (at_ % stride == 0 && processor_ns() > deadline_ns_) return void(stop(outcome_state::too_slow));
            }
            look.granted = observer.granted();
            look.held = observer.held();
            if (look.regular != 0 && pictures++ % 2 == 1) sights.film.add(observer.pages(), look.steps);
        }
        sights.lines_touched = observer.lines().touched();
        sights.lines_missed = observer.lines().missed();
        sights.lines_ever = observer.pages().lines_ever();
        sights.pages_ever = observer.pages().pages_ever();
        sights.stayed = observer.stayed();
        sights.moved = observer.moved();
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
};

}  // namespace ashlar::app
