// Litter is drawn from the script, reproducible, and half of it stays.
#include "ashlar/observe/replay_litter.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <vector>

namespace {

using ashlar::replay_op;
using ashlar::replay_step;

const std::vector<replay_step> script{{100, 0, 3, 4, replay_op::allocate},
                                      {3000, 1, 3, 6, replay_op::allocate_zeroed},
                                      {100, 0, 3, 4, replay_op::deallocate}};

}  // namespace

TEST_CASE("replay_litter: sizes are the script's, and half of the blocks are ended, each once", "[observe][replay_litter]") {
    const auto litter = ashlar::make_litter(script, {.seed = 1, .bytes = 1'000'000});
    std::set<std::uint32_t> live;
    std::uint64_t granted = 0, blocks = 0;
    for (const auto& step : litter) {
        CHECK((step.size == 100 ? step.align_shift == 4 : step.size == 3000 && step.align_shift == 6));
        if (step.op == replay_op::deallocate) {
            CHECK(live.erase(step.slot) == 1);
        } else {
            CHECK(live.insert(step.slot).second);
            granted += step.size;
            ++blocks;
        }
    }
    CHECK(granted >= 1'000'000);
    CHECK(granted < 1'003'000);
    CHECK(live.size() == blocks - blocks / 2);
}

TEST_CASE("replay_litter: a seed always gives the same, another something else", "[observe][replay_litter]") {
    CHECK(ashlar::make_litter(script, {.seed = 5, .bytes = 100'000}) == ashlar::make_litter(script, {.seed = 5, .bytes = 100'000}));
    CHECK(ashlar::make_litter(script, {.seed = 5, .bytes = 100'000}) != ashlar::make_litter(script, {.seed = 6, .bytes = 100'000}));
}

TEST_CASE("replay_litter: no more blocks than allowed, and none where nothing is asked for", "[observe][replay_litter]") {
    CHECK(ashlar::make_litter(script, {.seed = 1, .bytes = 1'000'000, .most_blocks = 10}).size() == 15);
    CHECK(ashlar::make_litter({}, {.seed = 1, .bytes = 1'000'000}).empty());
}
