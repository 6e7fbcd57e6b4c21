// ashlar/ownership/utf8.hpp - where a text may be cut without cutting a character.
//
// Layer:      ownership
// Source:     RFC 3629; The Unicode Standard, table 3-7 (well-formed byte sequences).
// Picture:    61 | C3 A9 | E2 82 AC     a cut at 2, 4 or 5 is moved down to 1, 3 or 3
// Complexity: O(1): at most four bytes around the cut are looked at.
// Failure:    none; bytes that are not UTF-8 are bytes, and may be cut anywhere.
// Threads:    plain functions.
// Checked by: tests/ownership/utf8_test.cpp
#pragma once

#include <cstddef>
#include <string_view>

namespace ashlar {

/// @returns the length of the well-formed sequence that `text` begins with, 0 if it begins with none
constexpr std::size_t utf8_sequence(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (text.empty()) return 0;
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >> 4 == 0xe ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
    if (length == 0 || text.size() < length) return 0;
    // The second byte rules out overlong forms, surrogates and what is above U+10FFFF.
    const unsigned least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < least || byte(1) > most) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if (byte(i) >> 6 != 2) return 0;
    }
    return length;
}

/// The longest beginning of `text`, of at most `most` bytes, that does not end inside a well-formed character.
constexpr std::size_t utf8_prefix(std::string_view text, std::size_t most) noexcept {
    if (most >= text.size()) return text.size();
    for (std::size_t back = 1; back <= 3 && back <= most; ++back) {
        if (utf8_sequence(text.substr(most - back)) > back) return most - back;
    }
    return most;
}

}  // namespace ashlar
