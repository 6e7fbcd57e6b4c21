#include "ashlar/strategy/best_fit.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/next_fit.hpp"
#include "support/enrol.hpp"
#include "support/fit_row.hpp"
#include "support/random_trace.hpp"
#include "support/serves.hpp"

using namespace ashlar;
using support::fit_row;

TEST_CASE("best_fit: takes the shortest that fits, of two equals the one freed last", "[strategy][best_fit]") {
    fit_row<best_fit> row({256, 96, 64, 96});
    CHECK(row.taken(80) == 3);
    CHECK(row.taken(64) == 2);
    CHECK(row.taken(112) == 0);
    CHECK(row.taken(272) == -1);
}

TEST_CASE("best_fit: from 16 KiB on takes the lowest of the shortest, the top last", "[strategy][best_fit]") {
    fit_row<best_fit> row({32768, 16384, 32768, 65536, 16384, 16368});
    CHECK(row.taken(16368) == 5);
    CHECK(row.taken(16384) == 1);
    CHECK(row.take(16400) == 0);
    CHECK(row.take(16400) == 2);
    CHECK(row.take(16400) == 3);
    CHECK(row.take(16400) == -1);
    row.give(2);  // the top, until a longer one comes
    row.give(0);
    CHECK(row.take(32768) == 0);
    row.give(3);
    CHECK(row.take(32768) == 2);
}

TEST_CASE("best_fit: agrees with looking at all blocks and taking the shortest", "[strategy][best_fit]") {
    support::compare_with_scan<best_fit>([](const auto& fitting) {  // of equals the last: they came in order of address
        return *std::min_element(fitting.rbegin(), fitting.rend(),
                                 [](auto* a, auto* b) { return a->size() < b->size(); });
    });
}

TEST_CASE("best_fit: fragments less than next fit on a random trace", "[strategy][best_fit]") {
    // How many requests are refused by a heap of fixed size: the same trace of sizes under both policies.
    const auto refusals = []<class Fit>() {
        std::size_t sum = 0;
        for (unsigned seed = 0; seed < 10; ++seed) {
            std::vector<std::byte> bytes(64 * 1024 + 64);
            bump buffer(block{bytes.data(), bytes.size()});
            free_list<Fit, bump> heap(buffer, 64 * 1024 - 64);
            support::random_trace trace(heap, seed, {.steps = 6000, .largest = 3000, .resizes = false});
            sum += trace.run();
        }
        return sum;
    };
    const std::size_t best = refusals.operator()<best_fit>(), next = refusals.operator()<next_fit>();
    INFO("refused: best fit " << best << ", next fit " << next);
    CHECK(best < next);
}

ASHLAR_ENROL("best_fit",
             [](testing::ground& g) { return free_list<best_fit, testing::ground::upstream_type>(g.upstream(), 4096); },
             tests::serves_runs(16));
