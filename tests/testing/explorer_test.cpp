#include "ashlar/testing/explorer.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <set>

#include "ashlar/testing/explore.hpp"

using namespace ashlar::testing;

namespace {
int constructed, finished, destroyed;
}

TEST_CASE("explorer: a scenario without forks is run once, from its beginning to its end", "[testing][explorer]") {
    constructed = finished = destroyed = 0;
    explorer e({2, 64, 16, [](void*) { ++constructed; }, [](void* at, unsigned t) { static_cast<int*>(at)[t] = 7; },
                [](void*) { ++finished; }, [](void*) { ++destroyed; }},
               {});
    const exploration seen = e.run();
    CHECK(seen.ok());
    CHECK(seen.executions == 1);
    CHECK((constructed == 1 && finished == 1 && destroyed == 1));
}

TEST_CASE("explorer: a failure ends the thread that met it, and the execution", "[testing][explorer]") {
    destroyed = 0;
    static bool went_on;
    went_on = false;
    explorer e({1, 64, 16, [](void*) {},
                [](void*, unsigned) {
                    explorer::inside()->fail("so");
                    went_on = true;  // explorer.I1
                },
                [](void*) {}, [](void*) { ++destroyed; }},
               {});
    CHECK(e.run().failure == "so");
    CHECK_FALSE(went_on);
    CHECK(destroyed == 0);
    CHECK(explorer::running() == nullptr);
}

// The search that leaves out what comes to the same against the one that does not, on programs made by chance.
namespace {

namespace t = ashlar::testing;
using ashlar::memory_order;

struct random_program {
    static constexpr unsigned words = 2;
    struct operation {
        unsigned kind, word;
        int a, b;
        memory_order order, failure;
    };
    unsigned threads, length;
    operation all[3][4];

    explicit random_program(unsigned seed) : threads(2 + seed % 2), length(threads == 2 ? 3 + seed / 2 % 2 : 2) {
        static constexpr memory_order loads[] = {memory_order::relaxed, memory_order::acquire, memory_order::seq_cst};
        static constexpr memory_order stores[] = {memory_order::relaxed, memory_order::release, memory_order::seq_cst};
        static constexpr memory_order changes[] = {memory_order::acquire, memory_order::release, memory_order::acq_rel, memory_order::seq_cst,
                                                   memory_order::relaxed};
        std::minstd_rand engine(seed);
        const auto below = [&](unsigned n) { return static_cast<unsigned>(engine() / 64 % n); };
        for (auto& row : all) {
            for (operation& o : row) {
                o = {below(7), below(words), static_cast<int>(1 + below(2)), static_cast<int>(below(3)), {}, loads[below(3)]};
                const bool is_load = o.kind == 0 || o.kind == 6, is_fence = o.kind == 5;
                o.order = is_load ? loads[below(3)] : o.kind == 1 ? stores[below(3)] : changes[below(is_fence ? 4 : 5)];
            }
        }
    }
};
const random_program* program;
std::set<std::vector<int>> outcomes;

template <unsigned Threads>
struct random_scenario {
    static constexpr unsigned threads = Threads;
    t::explored_atomics::atomic<int> words[random_program::words];
    int seen[3][4]{};
    void run(unsigned thread) {
        for (unsigned i = 0; i < program->length; ++i) {
            const auto& o = program->all[thread][i];
            auto& word = words[o.word];
            int& saw = seen[thread][i];
            int expected = o.b;
            if (o.kind == 0) saw = word.load(o.order);
            if (o.kind == 1) word.store(o.a, o.order);
            if (o.kind == 2) saw = word.fetch_add(o.a, o.order);
            if (o.kind == 3) saw = word.exchange(o.a, o.order);
            if (o.kind == 4) saw = word.compare_exchange_strong(expected, o.a, o.order, o.failure) ? 100 : expected;
            if (o.kind == 5) t::explored_atomics::fence(o.order);
            if (o.kind == 6 && word.load(o.order) == o.b) words[1 - o.word].store(o.a, memory_order::release);
        }
    }
    void finish() {
        std::vector<int> all{words[0].load(), words[1].load()};
        for (const auto& row : seen) all.insert(all.end(), row, row + 4);
        outcomes.insert(all);
    }
};

}  // namespace

TEST_CASE("explorer: leaving out what comes to the same leaves out no outcome of programs made by chance", "[testing][explorer]") {
    const char* const asked = std::getenv("ASHLAR_RANDOM_PROGRAMS");
    const unsigned programs = asked == nullptr ? 40 : static_cast<unsigned>(std::atoi(asked));
    std::size_t outcomes_of_all = 0;
    for (unsigned seed = 1; seed <= programs; ++seed) {
        const random_program p(seed);
        program = &p;
        std::set<std::vector<int>> both[2];
        for (const bool every : {false, true}) {
            outcomes.clear();
            explore_options options;
            options.every_order = every;
            const exploration e = p.threads == 2 ? explore<random_scenario<2>>(options) : explore<random_scenario<3>>(options);
            if (!e.ok()) FAIL("seed " << seed << ": " << e.text());
            both[every ? 1 : 0] = outcomes;
        }
        outcomes_of_all += both[1].size();
        if (both[0] != both[1]) FAIL("seed " << seed << ": " << both[0].size() << " outcomes of " << both[1].size());
    }
    CHECK(outcomes_of_all > programs);
}
