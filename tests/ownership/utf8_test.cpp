#include "ashlar/ownership/utf8.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace ashlar;

namespace {
std::string encoded(char32_t c) {
    std::string s;
    const auto put = [&](unsigned v) { s.push_back(static_cast<char>(v)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xc0 | c >> 6), put(0x80 | (c & 63));
    } else if (c < 0x10000) {
        put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
    } else {
        put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
    }
    return s;
}
}  // namespace

TEST_CASE("utf8: of every code point the sequence is recognised, and no cut goes through it", "[ownership][utf8]") {
    for (char32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 61) {
        const std::string s = encoded(c);
        const bool surrogate = c >= 0xd800 && c <= 0xdfff;
        REQUIRE(utf8_sequence(s) == (surrogate ? 0 : s.size()));
        if (surrogate) continue;
        const std::string text = "a" + s + "b";
        for (std::size_t most = 0; most <= text.size(); ++most) {
            const std::size_t kept = utf8_prefix(text, most);
            REQUIRE(kept == (most > 1 && most < 1 + s.size() ? 1 : most));
        }
    }
}

TEST_CASE("utf8: what is not well-formed is no sequence, and may be cut anywhere", "[ownership][utf8]") {
    for (const char* bad : {"\x80", "\xbf\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                            "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xe2\x28\xa1", "\xf0\x9f\x98"}) {
        const std::string text = bad;
        CHECK(utf8_sequence(text) == 0);
        for (std::size_t most = 0; most <= text.size(); ++most) CHECK(utf8_prefix(text, most) == most);
    }
    CHECK(utf8_sequence("") == 0);
}

TEST_CASE("utf8: a cut never goes up, and goes down by three bytes at most, for any bytes", "[ownership][utf8]") {
    unsigned state = 1;
    for (int round = 0; round < 20'000; ++round) {
        char bytes[8];
        for (char& b : bytes) {
            state = state * 1664525u + 1013904223u;
            b = static_cast<char>(state >> 24 | (state >> 9 & 0x80));
        }
        for (std::size_t most = 0; most <= 8; ++most) {
            const std::size_t kept = utf8_prefix({bytes, 8}, most);
            REQUIRE(kept <= most);
            REQUIRE(most - kept <= 3);
        }
    }
}
