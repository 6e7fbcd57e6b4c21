#include "../../src/observe/checksum.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

using ashlar::crc32c;
using ashlar::crc32c_portable;

TEST_CASE("checksum: the published examples of CRC-32C come out", "[observe][checksum]") {
    CHECK(crc32c(0, "123456789", 9) == 0xE3069283);
    const std::vector<unsigned char> zeros(32, 0), ones(32, 0xFF);
    CHECK(crc32c(0, zeros.data(), 32) == 0x8A9136AA);  // RFC 3720, B.4
    CHECK(crc32c(0, ones.data(), 32) == 0x62A8AB43);
    CHECK(crc32c(0, nullptr, 0) == 0);
}

TEST_CASE("checksum: the CPU's instruction and the table agree, in one piece or several", "[observe][checksum]") {
    std::mt19937 random(1);
    std::vector<unsigned char> bytes(300);
    for (auto& b : bytes) b = static_cast<unsigned char>(random());
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t size = 0; size + from <= bytes.size(); ++size) {
            const std::uint32_t whole = crc32c_portable(0, bytes.data() + from, size);
            REQUIRE(crc32c(0, bytes.data() + from, size) == whole);
            const std::size_t half = size / 2;
            REQUIRE(crc32c(crc32c(0, bytes.data() + from, half), bytes.data() + from + half, size - half) == whole);
        }
    }
}
