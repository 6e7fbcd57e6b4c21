// Streams on threads of their own keep the order in which blocks pass between them.
#include "ashlar/observe/replay_team.hpp"

#include <catch2/catch.hpp>

#include <thread>
#include <vector>

namespace {

using ashlar::replay_op;
using ashlar::replay_step;

replay_step step(replay_op op, std::uint32_t slot, std::uint16_t thread) { return {32, slot, thread, 4, op}; }

/// Runs every stream of the script on a thread; act(step, number) must say whether it was done.
template <class Act>
std::uint64_t run(const ashlar::replay_streams& all, Act act) {
    std::vector<ashlar::replay_mark> marks(all.streams.size());
    ashlar::replay_team team(all.steps, all.streams, marks);
    std::vector<std::thread> threads;
    for (std::uint64_t s = 0; s < all.streams.size(); ++s) {
        threads.emplace_back([&, s] { team.follow(s, [&](std::uint64_t i) { return act(all.steps[i], i); }); });
    }
    for (auto& thread : threads) thread.join();
    return team.failed();
}

/// Three threads pass blocks around: each is granted by one, moved by the next and ended by the third.
std::vector<replay_step> passing(int rounds) {
    std::vector<replay_step> script;
    for (int i = 0; i < rounds; ++i) {
        const auto first = static_cast<std::uint16_t>(i % 3);
        script.push_back(step(replay_op::allocate, 0, first));
        script.push_back(step(replay_op::reallocate, 0, static_cast<std::uint16_t>((first + 1) % 3)));
        script.push_back(step(replay_op::deallocate, 0, static_cast<std::uint16_t>((first + 2) % 3)));
    }
    return script;
}

}  // namespace

TEST_CASE("replay_team: a block is moved after it is granted and ended after that, by whichever threads", "[observe][replay_team]") {
    const auto all = ashlar::as_recorded(passing(2000));
    std::vector<int> state(all.slots);  // no atomics: the marks must order all accesses, and tsan would tell
    const auto failed = run(all, [&](const replay_step& s, std::uint64_t) {
        const int expected = s.op == replay_op::allocate ? 0 : s.op == replay_op::reallocate ? 1 : 2;
        if (state[s.slot] != expected) return false;
        state[s.slot] = (expected + 1) % 3;
        return true;
    });
    CHECK(failed == ashlar::replay_team::none);
}

TEST_CASE("replay_team: one stream that cannot go on stops those that wait for it", "[observe][replay_team]") {
    const auto all = ashlar::as_recorded(passing(100));
    std::uint64_t refused = all.streams[0].begin + 6;
    while (all.steps[refused].op == ashlar::replay_await) ++refused;
    CHECK(run(all, [&](const replay_step&, std::uint64_t i) { return i != refused; }) == refused);
}
