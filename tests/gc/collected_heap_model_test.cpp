// Random programs on a heap, compared after every collection with a model that knows what is reachable.
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <random>

#include "gc/random_program.hpp"

using namespace ashlar;
using random_program::program;

namespace {

struct random_choice {
    std::mt19937 numbers;
    explicit random_choice(unsigned seed) : numbers(seed) {}
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(numbers); }
    static bool empty() { return false; }
};

}  // namespace

// Compaction is part of every program: order, references and that nothing could lie lower (check_slide).
TEST_CASE("collected_heap: what is alive, its edges, destructors, weak references and ephemerons are the model's", "[gc][collected_heap]") {
    for (unsigned seed = 1; seed != 9; ++seed) {
        INFO("seed " << seed);
        program(random_choice(seed), {.headroom = 100'000, .zeal = {.poison = true}}).run(700);
    }
}

TEST_CASE("collected_heap: the same with a collection at every allocation", "[gc][collected_heap]") {
    for (unsigned seed = 1; seed != 5; ++seed) {
        INFO("seed " << seed);
        program(random_choice(seed), {.zeal = {.collect = true, .poison = true}}).run(300);
    }
}

TEST_CASE("collected_heap: the same where make collects in steps", "[gc][collected_heap]") {
    for (unsigned seed = 1; seed != 5; ++seed) {
        INFO("seed " << seed);
        program(random_choice(seed), {.headroom = 60'000, .in_steps = true, .zeal = {.poison = true}}).run(700);
    }
}

// verify() also looks for objects that no young collection would find.
TEST_CASE("collected_heap: the same where most collections look at what is young", "[gc][collected_heap]") {
    for (unsigned seed = 1; seed != 7; ++seed) {
        INFO("seed " << seed);
        program(random_choice(seed), {.headroom = 150'000, .generational = true, .zeal = {.poison = true}}).run(700);
        program(random_choice(seed), {.generational = true, .zeal = {.collect = true, .poison = true}}).run(200);
    }
}

TEST_CASE("collected_heap: the same for as long as the soak asks, with seeds of its own", "[gc][collected_heap][soak]") {
    const char* const seconds = std::getenv("ASHLAR_SOAK_SECONDS");
    const char* const first = std::getenv("ASHLAR_SOAK_SEED");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
    auto seed = static_cast<unsigned>(first == nullptr ? 1 : std::atoi(first));
    do {
        INFO("seed " << seed);
        program(random_choice(seed), {.headroom = 20'000 + seed % 7 * 50'000, .in_steps = seed % 2 == 0, .generational = seed % 3 == 0,
                       .zeal = {.collect = seed % 5 == 0, .poison = seed % 3 != 0}}).run(seed % 5 == 0 ? 300 : 2000);
    } while (++seed != 0 && std::chrono::steady_clock::now() < end);
}
