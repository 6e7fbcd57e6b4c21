// Scripts of two threads, taken apart by hand.
#include "ashlar/observe/replay_streams.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

namespace {

using ashlar::replay_op;
using ashlar::replay_step;

replay_step step(replay_op op, std::uint32_t slot, std::uint16_t thread) { return {32, slot, thread, 4, op}; }
replay_step wait(std::uint32_t stream, std::uint64_t done) { return {done, stream, 0, 0, ashlar::replay_await}; }
constexpr auto a = replay_op::allocate;
constexpr auto r = replay_op::reallocate;
constexpr auto f = replay_op::deallocate;

std::vector<replay_step> part(const ashlar::replay_streams& all, std::size_t stream) {
    const auto& s = all.streams.at(stream);
    return {all.steps.begin() + static_cast<std::ptrdiff_t>(s.begin), all.steps.begin() + static_cast<std::ptrdiff_t>(s.end)};
}

}  // namespace

TEST_CASE("replay_streams: threads whose blocks do not cross wait only to begin", "[observe][replay_streams]") {
    const std::vector<replay_step> script{step(a, 0, 0), step(a, 1, 7), step(f, 0, 0), step(f, 1, 7)};
    const auto all = ashlar::as_recorded(script);
    REQUIRE(all.streams.size() == 2);
    CHECK(part(all, 0) == std::vector<replay_step>{step(a, 0, 0), step(f, 0, 0)});
    CHECK(part(all, 1) == std::vector<replay_step>{wait(0, 1), step(a, 1, 7), step(f, 1, 7)});
    CHECK(all.awaits == 1);
}

TEST_CASE("replay_streams: who ends or moves a block of another waits for its last step", "[observe][replay_streams]") {
    const std::vector<replay_step> script{step(a, 0, 0), step(a, 1, 1), step(a, 2, 0), step(r, 2, 1), step(f, 2, 0)};
    const auto all = ashlar::as_recorded(script);
    CHECK(part(all, 0) == std::vector<replay_step>{step(a, 0, 0), step(a, 2, 0), wait(1, 4), step(f, 2, 0)});
    CHECK(part(all, 1) == std::vector<replay_step>{wait(0, 1), step(a, 1, 1), wait(0, 2), step(r, 2, 1)});
}

TEST_CASE("replay_streams: a slot that a thread has freed is its own again, and another's is not taken over", "[observe][replay_streams]") {
    const std::vector<replay_step> script{step(a, 0, 0), step(f, 0, 0), step(a, 0, 1), step(a, 1, 0)};
    const auto all = ashlar::as_recorded(script);
    CHECK(part(all, 1) == std::vector<replay_step>{wait(0, 2), step(a, 1, 1)});  // slot 0 of the script, by another
    CHECK(part(all, 0).back() == step(a, 0, 0));
    CHECK(all.slots == 2);
}

TEST_CASE("replay_streams: slots below the first are left to others", "[observe][replay_streams]") {
    const std::vector<replay_step> script{step(a, 0, 0)};
    const auto all = ashlar::as_recorded(script, 10);
    CHECK(all.steps.front().slot == 10);
    CHECK(all.slots == 11);
}

TEST_CASE("replay_streams: what crosses for long does not take ever more slots", "[observe][replay_streams]") {
    std::vector<replay_step> script;
    for (int i = 0; i < 200'000; ++i) script.push_back(step(a, 0, 0)), script.push_back(step(f, 0, 1));
    CHECK(ashlar::as_recorded(script).slots < 40'000);
}

TEST_CASE("replay_streams: a thread waits for those that were far behind it", "[observe][replay_streams]") {
    std::vector<replay_step> script;
    for (std::uint32_t i = 0; i < 8000; ++i) script.push_back(step(a, 2 * i, 0)), script.push_back(step(a, 2 * i + 1, 1));
    const auto all = ashlar::as_recorded(script);
    for (std::size_t me = 0; me < 2; ++me) {
        std::uint64_t done = 0, promised = 0, ahead = 0;
        for (const auto& each : part(all, me)) {
            ++done;
            if (each.op == ashlar::replay_await) promised = each.size;
            ahead = std::max(ahead, done - std::min(done, promised));
        }
        CHECK(ahead < 5000);
        CHECK(done < 8000 + 20);
    }
}

TEST_CASE("replay_streams: the busiest thread keeps its blocks to their end, and no others", "[observe][replay_streams]") {
    const std::vector<replay_step> script{step(a, 0, 1), step(a, 1, 2), step(a, 2, 2), step(f, 1, 1), step(f, 0, 2), step(a, 0, 2)};
    CHECK(ashlar::busiest_thread(script) == std::vector<replay_step>{step(a, 1, 2), step(a, 2, 2), step(f, 1, 1), step(a, 0, 2)});
    CHECK(ashlar::busiest_thread({}).empty());
}
