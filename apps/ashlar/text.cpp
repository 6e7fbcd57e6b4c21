#include "text.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace ashlar::app {
namespace {

/// Three significant digits, as "1.50", "15.0", "150".
std::string three_digits(double value) {
    return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/// Whether text begins with a mark that ends a line or turns the direction of what follows: U+200E, U+200F,
/// U+2028 to U+202E, U+2066 to U+2069.
bool misleads(std::string_view text) {
    if (text.size() < 3 || text[0] != '\xe2') return false;
    const auto second = static_cast<unsigned char>(text[1]), third = static_cast<unsigned char>(text[2]);
    return second == 0x80 ? third == 0x8e || third == 0x8f || (third >= 0xa8 && third <= 0xae)
                          : second == 0x81 && third >= 0xa6 && third <= 0xa9;
}

}  // namespace

std::string bytes_text(double bytes) {
    static constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) return fmt::format("{:.0f} B", bytes);
    std::size_t unit = 0;
    while (bytes >= 1023.5 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    return fmt::format("{} {}", three_digits(bytes), units[unit]);
}

std::string time_text(double ns) {
    if (ns < 999.5) return (ns == std::floor(ns) ? fmt::format("{:.0f}", ns) : three_digits(ns)) + " ns";
    if (ns < 999.5e3) return three_digits(ns / 1e3) + " us";
    if (ns < 999.5e6) return three_digits(ns / 1e6) + " ms";
    if (ns < 120e9) return three_digits(ns / 1e9) + " s";
    const auto seconds = static_cast<std::uint64_t>(ns / 1e9 + 0.5);
    if (seconds < 7200) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

std::string count_text(std::uint64_t count) {
    std::string digits = std::to_string(count);
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return digits;
}

std::string share_text(double part, double whole) {
    return whole > 0 ? fmt::format("{:.1f} %", 100 * part / whole) : "-";
}

std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (text.empty()) return 0;
    const unsigned char lead = byte(0);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    // Overlong forms, surrogates and numbers past U+10FFFF begin with these pairs.
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;
    if (lead == 0xed && byte(1) >= 0xa0) return 0;
    if (lead == 0xf0 && byte(1) < 0x90) return 0;
    if (lead == 0xf4 && byte(1) >= 0x90) return 0;
    return length;
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string shown;
    while (!text.empty()) {
        if (shown.size() >= limit) return shown + "...";
        const std::size_t length = utf8_length(text);
        const auto lead = static_cast<unsigned char>(text[0]);
        // C1 controls (U+0080..U+009F) are two bytes in UTF-8 and move cursors too.
        const bool c1 = length == 2 && lead == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
        const bool control = lead < 0x20 || lead == 0x7f || c1;
        if (length == 0 || control || misleads(text)) {
            shown += fmt::format("\\x{:02x}", lead);
            text.remove_prefix(1);
        } else {
            shown += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return shown;
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0)
            valid += "\xef\xbf\xbd";
        else
            valid += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return valid;
}

}  // namespace ashlar::app
