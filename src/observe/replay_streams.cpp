// See the header. Slots are given out anew here: in a script they are used again at once, by any thread, and waiting for
// that would put the threads into an order that the program never had.
#include "ashlar/observe/replay_streams.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {
namespace {

struct place {
    std::uint32_t stream = 0;
    std::uint64_t done = 0;  ///< steps of that stream, awaits included
};

class weaver {
public:
    explicit weaver(std::uint64_t first_slot) : slots_(first_slot) {}

    void add(const replay_step& step) {
        const std::uint32_t me = stream_of(step.thread);
        keep_pace(me);
        block& b = block_of(step.slot);
        if (step.op == replay_op::allocate || step.op == replay_op::allocate_zeroed) {
            b.slot = take_slot(me);
            b.granted_by = me;
        } else {
            await(me, b.last);  // replay_streams.I1
        }
        replay_step renumbered = step;
        renumbered.slot = b.slot;
        parts_[me].push_back(renumbered);
        b.last = here(me);
        last_ = b.last;
        ++added_;
        if (step.op != replay_op::deallocate) return;
        if (b.granted_by == me) own_[me].push_back(b.slot);
        else crossed_.push_back({b.slot, b.last, added_});
    }

    replay_streams finish() {
        replay_streams all;
        all.slots = slots_;
        all.awaits = awaits_;
        for (auto& part : parts_) {
            all.streams.push_back({all.steps.size(), all.steps.size() + part.size()});
            all.steps.insert(all.steps.end(), part.begin(), part.end());
            part = {};
        }
        return all;
    }

private:
    struct block {
        std::uint32_t slot = 0;
        std::uint32_t granted_by = 0;
        place last;
    };
    struct crossed_slot {
        std::uint32_t slot;
        place freed;
        std::uint64_t when;
    };
    /// A slot freed by another thread so many steps ago costs no wait in practice.
    static constexpr std::uint64_t cooling = 1 << 16;

    /// Threads wait for one another in ways that no block tells of, a queue that is full: without that here, who fills it
    /// would run ahead and have far more live than the program ever had. Each waits for where all were an epoch ago.
    void keep_pace(std::uint32_t me) {
        if (added_ >= epoch_ends_) {
            ++epoch_;
            epoch_ends_ = added_ + steps_apart * parts_.size();
            before_.swap(now_);
            now_.clear();
            for (std::uint32_t stream = 0; stream < parts_.size(); ++stream) now_.push_back(here(stream));
        }
        if (entered_[me] == epoch_) return;
        entered_[me] = epoch_;
        for (const place& mark : before_) await(me, mark);
    }
    static constexpr std::uint64_t steps_apart = 1024;  ///< a thread's steps in an epoch, about

    std::uint32_t stream_of(std::uint16_t thread) {
        const auto [at, is_new] = numbers_.try_emplace(thread, static_cast<std::uint32_t>(parts_.size()));
        if (is_new) {
            parts_.emplace_back();
            own_.emplace_back();
            known_.emplace_back();
            entered_.push_back(epoch_);
            if (added_ > 0) await(at->second, last_);  // somebody started it
        }
        return at->second;
    }
    block& block_of(std::uint32_t slot) {
        if (slot >= blocks_.size()) blocks_.resize(std::size_t{slot} + 1);
        return blocks_[slot];
    }
    std::uint32_t take_slot(std::uint32_t me) {
        std::uint32_t slot = 0;
        if (!own_[me].empty()) {
            slot = own_[me].back();
            own_[me].pop_back();
        } else if (!crossed_.empty() && crossed_.front().when + cooling < added_) {
            slot = crossed_.front().slot;
            await(me, crossed_.front().freed);
            crossed_.pop_front();
        } else {
            slot = static_cast<std::uint32_t>(slots_++);
        }
        return slot;
    }
    place here(std::uint32_t stream) const { return {stream, parts_[stream].size()}; }

    /// All of `before` lies behind in the script (replay_streams.I2).
    void await(std::uint32_t me, const place& before) {
        if (before.stream == me) return;
        auto& known = known_[me];
        if (known.size() <= before.stream) known.resize(std::size_t{before.stream} + 1);
        if (known[before.stream] >= before.done) return;
        known[before.stream] = before.done;
        parts_[me].push_back({before.done, before.stream, 0, 0, replay_await});
        ++awaits_;
    }

    std::map<std::uint16_t, std::uint32_t> numbers_;
    std::vector<std::vector<replay_step>> parts_;
    std::vector<std::vector<std::uint32_t>> own_;
    std::vector<std::vector<std::uint64_t>> known_;  ///< by stream: how far it has waited for each other one
    std::vector<std::uint64_t> entered_;  ///< by stream: its epoch
    std::vector<place> before_, now_;     ///< where the streams were when the last epoch and this one began
    std::deque<crossed_slot> crossed_;
    std::vector<block> blocks_;
    place last_;
    std::uint64_t slots_ = 0;
    std::uint64_t awaits_ = 0;
    std::uint64_t added_ = 0;
    std::uint64_t epoch_ = 0;
    std::uint64_t epoch_ends_ = 0;
};

}  // namespace

replay_streams as_recorded(std::span<const replay_step> steps, std::uint64_t first_slot) {
    weaver all(first_slot);
    for (const auto& step : steps) all.add(step);
    return all.finish();
}

std::vector<replay_step> busiest_thread(std::span<const replay_step> steps) {
    std::map<std::uint16_t, std::uint64_t> counts;
    for (const auto& step : steps) ++counts[step.thread];
    if (counts.empty()) return {};
    const std::uint16_t chosen = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
    std::vector<bool> is_own;
    std::vector<replay_step> kept;
    for (const auto& step : steps) {
        if (step.slot >= is_own.size()) is_own.resize(std::size_t{step.slot} + 1);
        if (step.op == replay_op::allocate || step.op == replay_op::allocate_zeroed) is_own[step.slot] = step.thread == chosen;
        if (is_own[step.slot]) kept.push_back(step);
    }
    return kept;
}

}  // namespace ashlar
