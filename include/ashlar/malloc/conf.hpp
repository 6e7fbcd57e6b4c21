// ashlar/malloc/conf.hpp - settings as text: those of ashlar.conf, for the malloc at its start and for the tool.
//
// Layer:      malloc
// Picture:    # comment             one setting a line; `version = 1` comes first
//             version = 1
//             purge_delay_ms = 100  bytes may be written with KiB, MiB or GiB
// Complexity: O(length); allocates nothing.
// Failure:    each wrong line is told to the caller with its number and a reason, and changes nothing.
// Threads:    a pure function.
// Checked by: tests/malloc/conf_test.cpp
//
// ASHLAR_OPTIONS is the same text with commas for line ends, and needs no version.
#pragma once

#include <string_view>

#include "ashlar/malloc/options.hpp"

namespace ashlar::malloc {

/// What the malloc reads of a file at most: in its first call, and without memory of its own.
inline constexpr std::size_t longest_conf = 8191;

/// What is wrong with a line. The strings have static storage or point into the text.
struct conf_problem {
    std::size_t line;  ///< from 1
    std::string_view what;
    std::string_view word;  ///< the key or value that is meant
};

namespace detail {

// substr checks its position by throwing; the malloc has no exceptions to throw.
constexpr std::string_view before(std::string_view s, std::size_t n) noexcept {
    return n < s.size() ? std::string_view(s.data(), n) : s;
}
constexpr std::string_view after(std::string_view s, std::size_t n) noexcept {
    return n < s.size() ? std::string_view(s.data() + n, s.size() - n) : std::string_view{};
}
constexpr std::string_view trimmed(std::string_view s) noexcept {
    constexpr std::string_view blank = " \t\r";
    while (!s.empty() && blank.find(s.front()) != blank.npos) s.remove_prefix(1);
    while (!s.empty() && blank.find(s.back()) != blank.npos) s.remove_suffix(1);
    return s;
}

/// @returns whether text is a decimal number, perhaps negative, perhaps with a unit, that fits
constexpr bool read_number(std::string_view text, std::int64_t& value) noexcept {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    std::int64_t number = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
        if (number > (most_bytes - 9) / 10) return false;
        number = number * 10 + (text[digits] - '0');
    }
    if (digits == 0) return false;
    const std::string_view unit = trimmed(after(text, digits));
    const int shift = unit.empty() ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
    if (shift < 0 || number > (most_bytes >> shift)) return false;
    value = negative ? -(number << shift) : number << shift;
    return true;
}

/// @returns the place of `word` among "a|b|c", or -1
constexpr std::int64_t place_among(std::string_view words, std::string_view word) noexcept {
    for (std::int64_t place = 0; !words.empty(); ++place) {
        const std::size_t bar = words.find('|');
        if (before(words, bar) == word) return place;
        words = bar == words.npos ? std::string_view{} : after(words, bar + 1);
    }
    return -1;
}

/// @returns the word at a place in "a|b|c"; empty when there is none
constexpr std::string_view word_at(std::string_view words, std::int64_t place) noexcept {
    for (; place > 0 && !words.empty(); --place) {
        const std::size_t bar = words.find('|');
        words = bar == words.npos ? std::string_view{} : after(words, bar + 1);
    }
    return before(words, words.find('|'));
}

}  // namespace detail

/// Why a setting was not made.
enum class setting_error : std::uint8_t { none, unknown, wrong_type, out_of_range, fixed };

constexpr std::string_view explain(setting_error error) noexcept {
    constexpr std::string_view reasons[] = {"done", "no such key", "not of this key's type", "out of range",
                                            "not to be changed while the program runs"};
    return reasons[static_cast<std::size_t>(error)];
}
/// @returns the row of a key, or null
constexpr const option* find_option(std::string_view key) noexcept {
    for (const option& o : option_table) {
        if (o.key == key) return &o;
    }
    return nullptr;
}
constexpr const text_option* find_text_option(std::string_view key) noexcept {
    for (const text_option& o : text_option_table) {
        if (o.key == key) return &o;
    }
    return nullptr;
}
/// The number that a text stands for: one of the option's words, or digits with a unit.
constexpr setting_error read_value(const option& o, std::string_view text, std::int64_t& number) noexcept {
    if (o.words.empty()) return detail::read_number(text, number) ? setting_error::none : setting_error::wrong_type;
    number = detail::place_among(o.words, text);
    return number >= 0 ? setting_error::none : setting_error::wrong_type;
}
constexpr setting_error check_value(const option& o, std::int64_t number) noexcept {
    return number < o.least || number > o.most ? setting_error::out_of_range : setting_error::none;
}

namespace detail {

/// @returns what is wrong with the setting, or nothing: then it was made
constexpr std::string_view apply_setting(std::string_view key, std::string_view value, options& into) noexcept {
    if (const text_option* const t = find_text_option(key)) {
        if (value.size() > setting_text::longest) return explain(setting_error::out_of_range);
        into.*t->value = {};
        char* to = (into.*t->value).text;  // not by copy, which checks by throwing
        for (const char c : value) *to++ = c;
        return {};
    }
    const option* const o = find_option(key);
    if (o == nullptr) return explain(setting_error::unknown);
    std::int64_t number = 0;
    setting_error wrong = read_value(*o, value, number);
    if (wrong == setting_error::none) wrong = check_value(*o, number);
    if (wrong != setting_error::none) return explain(wrong);
    into.*o->value = number;
    return {};
}

}  // namespace detail

/// Takes the lines about call sites and size classes (site_rules.hpp), and does nothing with them.
struct no_site_rules {
    constexpr std::string_view take(std::string_view, std::string_view) noexcept { return {}; }
};

/// Reads settings into `into`; calls report(const conf_problem&) for each line that is wrong.
/// The separator is '\n' for a file and ',' for ASHLAR_OPTIONS. A file may have lines about call sites and size classes: `rules` takes them,
/// and says what is wrong.
/// @returns whether nothing was wrong
template <class Report, class Rules = no_site_rules>
constexpr bool read_conf(std::string_view text, char separator, options& into, Report report, Rules&& rules = {}) noexcept {
    bool right = true;
    bool versioned = separator != '\n';
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find(separator);
        std::string_view line = detail::before(text, end);
        text = end == text.npos ? std::string_view{} : detail::after(text, end + 1);
        line = detail::trimmed(detail::before(line, line.find('#')));
        if (line.empty()) continue;
        const std::size_t equals = line.find('=');
        const std::string_view key = detail::trimmed(detail::before(line, equals));
        std::string_view wrong;
        std::string_view word = key;
        if (equals == line.npos) {
            wrong = "not of the form key = value";
        } else {
            const std::string_view value = detail::trimmed(detail::after(line, equals + 1));
            if (key == "version") {
                if (value != "1") wrong = "a version that this program does not know", word = value;
                versioned = true;
            } else if (!versioned) {
                wrong = "the first setting must be version = 1";
                versioned = true;  // said once
            } else if (separator == '\n' && (key == "route" || key == "site" || key == "rest" || key == "classes")) {
                wrong = rules.take(key, value);
                word = wrong.empty() ? word : value;
            } else {
                wrong = detail::apply_setting(key, value, into);
                if (wrong != explain(setting_error::unknown)) word = wrong.empty() ? word : value;
            }
        }
        if (wrong.empty()) continue;
        right = false;
        report(conf_problem{number, wrong, word});
    }
    return right;
}

}  // namespace ashlar::malloc
