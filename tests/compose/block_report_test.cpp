#include "ashlar/compose/block_report.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "ashlar/testing/attempt.hpp"

using namespace ashlar;

TEST_CASE("block_report: puts words, numbers and addresses on one line", "[compose][block_report]") {
    block_report r;
    r << "block of " << std::size_t{1070} << " bytes at " << reinterpret_cast<const std::byte*>(0x7f10);
    CHECK(std::string(r.text()) == "block of 1070 bytes at 0x7f10");
    block_report zero;
    zero << std::size_t{0} << " " << static_cast<const std::byte*>(nullptr);
    CHECK(std::string(zero.text()) == "0 0x0");
}

TEST_CASE("block_report: a line that is too long is cut off, not overrun", "[compose][block_report]") {
    block_report r;
    for (int i = 0; i < 100; ++i) r << "word ";
    CHECK(std::string(r.text()).size() == 159);
}

TEST_CASE("block_report: the handler is told the line and where", "[compose][block_report]") {
    const auto seen = testing::attempt([] { (block_report() << "of no use").stop("here.cpp", 7); });
    REQUIRE(seen);
    CHECK(std::string(seen->condition) == "of no use");
    CHECK(std::string(seen->file) == "here.cpp");
}
