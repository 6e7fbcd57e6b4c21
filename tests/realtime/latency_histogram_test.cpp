#include "ashlar/realtime/latency_histogram.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <thread>

using ashlar::latency_histogram;

TEST_CASE("latency_histogram: buckets follow one another, each within a 32nd of its values", "[realtime][latency_histogram]") {
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < latency_histogram::buckets; ++i) {
        const std::uint64_t least = latency_histogram::least_of(i), most = latency_histogram::most_of(i);
        REQUIRE(least == next);
        REQUIRE((most - least) * 32 <= least);
        REQUIRE(latency_histogram::bucket_of(least) == i);
        REQUIRE(latency_histogram::bucket_of(most) == i);
        next = most + 1;
    }
    CHECK(latency_histogram::bucket_of(~std::uint64_t{0}) == latency_histogram::buckets - 1);
}

TEST_CASE("latency_histogram: percentiles are the values that so many do not pass", "[realtime][latency_histogram]") {
    latency_histogram h;
    CHECK(h.percentile(50) == 0);
    CHECK(h.max() == 0);
    for (std::uint64_t v = 1; v <= 1000; ++v) h.record(v);
    CHECK(h.count() == 1000);
    CHECK(h.min() == 1);
    for (const double p : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
        const double exact = 10 * p, told = static_cast<double>(h.percentile(p));
        CHECK((told >= exact && told <= exact * 33 / 32 + 1));
    }
    CHECK(h.mean() == Approx(500.5).epsilon(0.01));
    h.record(1'000'000);
    CHECK(h.percentile(99) < 1100);
    CHECK(h.max() >= 1'000'000);
    h.reset();
    CHECK(h.count() == 0);
}

TEST_CASE("latency_histogram: what a long operation kept waiting counts too", "[realtime][latency_histogram]") {
    latency_histogram plain, corrected;
    for (int i = 0; i < 99; ++i) {
        plain.record(1);
        corrected.record_every(1, 10);
    }
    plain.record(1000);
    corrected.record_every(1000, 10);  // 990, 980, ... 10 besides
    CHECK(plain.percentile(90) == 1);
    CHECK(corrected.count() == 99 + 100);
    CHECK(corrected.percentile(90) > 700);
}

TEST_CASE("latency_histogram: threads record at once, and merging adds up", "[realtime][latency_histogram]") {
    const auto one = std::make_unique<latency_histogram>(), all = std::make_unique<latency_histogram>();
    const auto count = [&] {
        for (std::uint64_t i = 0; i < 2000; ++i) one->record(i);
    };
    std::thread other(count);
    count();
    other.join();
    CHECK(one->count() == 4000);
    all->merge(*one);
    all->merge(*one);
    CHECK(all->count() == 8000);
    CHECK(all->percentile(50) == one->percentile(50));
}
