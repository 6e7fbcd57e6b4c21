#include "ashlar/observe/sample_weight.hpp"

#include <catch2/catch.hpp>

using ashlar::sample_weight;

TEST_CASE("sample_weight: weights of blocks of a size are one over their chance on average", "[observe][sample_weight]") {
    constexpr std::uint64_t mean = 1000;
    for (const std::uint64_t size : {1U, 16U, 700U, 1000U, 5000U}) {
        const double exact = -1 / std::expm1(-static_cast<double>(size) / mean);
        double sum = 0;
        constexpr int blocks = 20'000;
        for (std::uint64_t i = 0; i < blocks; ++i) {
            const auto n = sample_weight(mean, size, 0x7f0000001000 + i % 97 * 16, i * 1000);
            REQUIRE(std::fabs(static_cast<double>(n) - exact) < 1);
            sum += static_cast<double>(n);
        }
        CHECK(sum / blocks == Approx(exact).margin(5 * 0.5 / std::sqrt(blocks)));  // of a throw, at most a half
    }
}

TEST_CASE("sample_weight: a block that is in a whole trace counts once", "[observe][sample_weight]") {
    CHECK(sample_weight(0, 100, 4096, 7) == 1);
    CHECK(sample_weight(1000, 0, 4096, 7) == 1);
}

TEST_CASE("sample_weight: no mean and size give a weight without bounds", "[observe][sample_weight]") {
    CHECK(sample_weight(UINT64_MAX, 1, 4096, 7) <= 4'000'000'001U);
    CHECK(sample_weight(1, UINT64_MAX, 4096, 7) == 1);
    CHECK(sample_weight(512'000, 48, 4096, 7) == sample_weight(512'000, 48, 4096, 7));  // sample_weight.I1
}
