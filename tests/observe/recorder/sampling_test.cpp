// Samples: what they tell is right on average, costs the program nothing it could notice, and keeps the order of events.
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "../../../src/observe/recorder/sampled.hpp"
#include "ashlar/observe/summary.hpp"
#include "ashlar/observe/trace_pack.hpp"
#include "recording.hpp"

using namespace ashlar;
using namespace recording;

namespace {

struct sampled_run {
    std::unique_ptr<summary> told;
    trace_info info;
    trace_health health;
};

sampled_run run_sampled(const scratch_folder& folder, const std::vector<std::string>& command, const char* mean, const std::string& name) {
    run what{.command = command, .trace = folder / name};
    what.before_exec = [=] {
        if (mean != nullptr) setenv("ASHLAR_TRACE_SAMPLE", mean, 1);
    };
    REQUIRE(execute(what).exit_code() == 0);
    trace_reader r = trace_reader::open(folder / name);
    REQUIRE(r);
    auto told = summarise(r);
    return {std::move(told), r.info(), r.health()};
}

/// Where chance decides, how many standard deviations are allowed: beyond eight is once in 10^15 times.
constexpr double deviations = 8;
/// How far a sum of that many bytes may be from the truth: the root of bytes * mean is one standard deviation.
double tolerance(std::uint64_t bytes, double mean, double runs) { return deviations * std::sqrt(static_cast<double>(bytes) * mean / runs); }

}  // namespace

TEST_CASE("sampling: distances between sampled bytes are exponential", "[recorder][sampling]") {
    recorder::sample_clock clock;
    clock.seed(12345);
    constexpr std::uint64_t mean = 1000;
    constexpr int rounds = 100'000;
    double sum = 0;
    int beyond = 0;  // the mean: a share of 1/e
    for (int i = 0; i < rounds; ++i) {
        clock.draw(mean);
        std::uint64_t distance = 0;
        while (clock.passes_over(10)) distance += 10;
        sum += static_cast<double>(distance) + 5;
        beyond += distance >= mean;
    }
    CHECK(sum / rounds == Approx(mean).epsilon(5 / std::sqrt(rounds)));
    CHECK(beyond / static_cast<double>(rounds) == Approx(std::exp(-1)).margin(5 * std::sqrt(0.24 / rounds)));
}

TEST_CASE("sampling: held blocks are found and taken out once, however many there are", "[recorder][sampling]") {
    const auto blocks = std::make_unique<recorder::sampled_blocks>();
    std::set<std::uintptr_t> model;
    std::mt19937_64 random(1);
    const auto at = [](std::uintptr_t a) { return reinterpret_cast<const void*>(a); };
    for (int i = 0; i < 60'000; ++i) {
        const std::uintptr_t a = 16 * (1 + random() % 6000);
        if (model.count(a) != 0) {
            REQUIRE(blocks->may_hold(at(a)));  // sampled.I1
            REQUIRE(blocks->take(at(a)));
            model.erase(a);
        } else {
            REQUIRE_FALSE(blocks->take(at(a)));
            if (random() % 2 == 0) {
                REQUIRE(blocks->add(at(a)));
                model.insert(a);
            }
        }
    }
    blocks->clear(false);
    for (const auto a : model) REQUIRE_FALSE(blocks->may_hold(at(a)));
}

TEST_CASE("sampling: sums estimated from samples agree with the full trace of the same program", "[recorder][sampling]") {
    const scratch_folder folder;
    const std::vector<std::string> command = {SUBJECT_C, "mixed", "60000"};
    const auto full = run_sampled(folder, command, nullptr, "full");
    REQUIRE(full.info.sample_mean == 0);
    double bytes = 0, leaked = 0, blocks = 0, peak = 0;
    constexpr int runs = 8;
    for (int i = 0; i < runs; ++i) {
        const auto part = run_sampled(folder, command, "4096", "part" + std::to_string(i));
        REQUIRE(part.info.sample_mean == 4096);
        CHECK(part.health == trace_health{});
        CHECK(part.told->events * 4 < full.told->events);
        CHECK_THAT(describe(part.info), Catch::Contains("It is a sample, one byte in 4096"));
        bytes += static_cast<double>(part.told->bytes_allocated) / runs;
        leaked += static_cast<double>(part.told->leaked.bytes) / runs;
        blocks += static_cast<double>(part.told->allocations) / runs;
        peak += static_cast<double>(part.told->peak_bytes) / runs;
    }
    const auto& s = *full.told;
    CHECK(bytes == Approx(static_cast<double>(s.bytes_allocated)).margin(tolerance(s.bytes_allocated, 4096, runs)));
    CHECK(leaked == Approx(static_cast<double>(s.leaked.bytes)).margin(tolerance(s.leaked.bytes, 4096, runs)));
    CHECK(peak == Approx(static_cast<double>(s.peak_bytes)).margin(tolerance(s.peak_bytes, 4096, runs)));
    double variance = 0;  // of the number of blocks: each size's share of (1 - p) / p
    for (const auto& row : s.sizes) variance += static_cast<double>(row.blocks) / std::expm1(static_cast<double>(row.size) / 4096);
    CHECK(blocks == Approx(static_cast<double>(s.allocations)).margin(deviations * std::sqrt(variance / runs)));
}

TEST_CASE("sampling: a mean of one byte samples nearly every block, and blocks that change threads are released", "[recorder][sampling]") {
    const scratch_folder folder;
    const auto all = run_sampled(folder, {SUBJECT_C, "trade", "4"}, "1", "all");
    CHECK(describe(all.health) == "");
    std::uint64_t granted = 0;  // as the program counted it: no two runs of it ask for the same
    for (const auto& row : all.told->sizes) granted = row.size >= 1'000'000 ? row.size - 1'000'000 : granted;
    REQUIRE(granted > 30'000);
    // Of a block of s bytes a share of exp(-s) is passed over: one in thousands here.
    CHECK(all.told->allocations == Approx(static_cast<double>(granted)).epsilon(0.01));
    CHECK(all.told->frees == Approx(static_cast<double>(granted)).epsilon(0.01));
}

TEST_CASE("sampling: a fork's child has a sample of its own, and a sample can be packed", "[recorder][sampling]") {
    const scratch_folder folder;
    const auto parent = run_sampled(folder, {SUBJECT_C, "fork"}, "1", "t");
    CHECK(parent.health == trace_health{});
    CHECK(files_in(folder).size() == 2);
    packed_size size;
    REQUIRE(pack_trace(folder / "t", size) == "");
    trace_reader r = trace_reader::open(folder / "t");
    REQUIRE(r);
    CHECK(r.info().sample_mean == 1);
    CHECK(summarise(r)->allocations == parent.told->allocations);
}

TEST_CASE("sampling: what C++ asks for by operator new is met and released as well", "[recorder][sampling]") {
    const scratch_folder folder;
    const auto full = run_sampled(folder, {SUBJECT_CPP, "forms"}, nullptr, "full");
    const auto all = run_sampled(folder, {SUBJECT_CPP, "forms"}, "1", "all");
    CHECK(describe(all.health) == "");
    CHECK(all.told->lost_frees == 0);
    CHECK(all.told->allocations == Approx(static_cast<double>(full.told->allocations)).margin(3));  // of one byte may be passed over
    CHECK(all.told->leaked.blocks <= full.told->leaked.blocks + 1);
}
