// ashlar/malloc/site_rules.hpp - the lines of ashlar.conf that say what serves which blocks: those of a call site, or of a size.
//
// Layer:      malloc
// Picture:    route = 1 arena                                      a route: 1 to 32, arena or pool SIZE; what is expected of it
//             route = 2 pool 4368 expects 1200 blocks 5240 KiB
//             site = 1 libx.so.2:8b13c5e2a7d90f14:0x4f3c1:make_node < prog:77aa01bc:0x1234:parse
//                    |  file     build id         |       \ symbol    \ the caller's call, where one alone is not enough
//                    route                        where the call returns to
//             rest = expects 31000 blocks                           of all sites without a rule
//             classes = v1 144 208 4368 expects 5240 KiB            size classes beside the usual ones, for whoever asks
// Complexity: O(length); allocates nothing.
// Failure:    what is wrong with a line is told; it then changes nothing.
// Threads:    one at a time.
// Checked by: tests/malloc/site_rules_test.cpp
//
// A place is believed by its build id alone: a file of another build has other offsets. The symbol is for that case: it
// stands for any call within that function; so do `-` for an id or an offset that is not known.
// A size class is a pool for all call sites, and takes a route that has no number in the file: the last ones.
#pragma once

#include <string_view>

#include "ashlar/malloc/conf.hpp"
#include "ashlar/malloc/routes.hpp"

namespace ashlar::malloc {

/// The views point into the text.
struct site_place {
    std::string_view file;
    std::string_view build_id;  ///< its first digits, at least eight; "" if not known
    std::uint64_t offset = 0;   ///< of the instruction behind the call, as the file has it; 0: not known
    std::string_view symbol;    ///< of the function that calls; "" if not known
};

struct site_rule {
    static constexpr std::size_t most_places = 6;
    std::uint8_t route = 0;  ///< from 0
    std::uint8_t depth = 0;
    site_place places[most_places]{};  ///< the innermost first
};

struct route_rule {
    route by{};
    std::uint64_t blocks = 0;  ///< expected in a run; 0: nothing is
    std::uint64_t held = 0;    ///< expected bytes of memory at its greatest
    bool is_class = false;     ///< a size class: for blocks of those sizes, whoever asks
};

/// All rules of a conf.
struct site_rules {
    static constexpr std::size_t most_routes = 32;
    route_rule routes[most_routes]{};
    site_rule sites[most_site_rules]{};
    std::size_t count = 0;  ///< of sites
    std::uint64_t rest = 0;  ///< blocks expected of all sites that no rule is about; 0: nothing is
    std::size_t class_count = 0;   ///< size classes beside the usual ones
    std::uint64_t class_held = 0;  ///< expected bytes of memory in all of them; 0: nothing is

    /// One line. @returns what is wrong with it, or nothing: then it was taken
    constexpr std::string_view take(std::string_view key, std::string_view value) noexcept {
        return key == "route" ? take_route(value) : key == "rest" ? take_rest(value) : key == "classes" ? take_classes(value) : take_site(value);
    }

private:
    static constexpr std::string_view word_of(std::string_view& text) noexcept {
        text = detail::trimmed(text);
        const std::string_view word = detail::before(text, text.find(' '));
        text = detail::trimmed(detail::after(text, word.size()));
        return word;
    }
    /// A number from 1 to most_routes, as a place from 0; most_routes for none.
    static constexpr std::size_t route_number(std::string_view word) noexcept {
        std::int64_t number = 0;
        return detail::read_number(word, number) && number >= 1 && number <= static_cast<std::int64_t>(most_routes)
                   ? static_cast<std::size_t>(number - 1) : most_routes;
    }
    constexpr std::string_view take_route(std::string_view text) noexcept {
        const std::size_t at = route_number(word_of(text));
        if (at == most_routes) return "a route has a number from 1 to 32";
        if (routes[at].is_class) return "a size class above has taken that route";
        route_rule rule;
        const std::string_view kind = word_of(text);
        std::int64_t number = 0;
        if (kind == "arena") {
            rule.by.kind = route_kind::arena;
        } else if (kind == "pool") {
            if (!detail::read_number(word_of(text), number) || number < 1 || number > static_cast<std::int64_t>(largest_routed)) {
                return "a pool has blocks of 1 to 8192 bytes";
            }
            rule.by = {route_kind::pool, static_cast<std::uint32_t>((number + 15) / 16 * 16)};
        } else {
            return "a route is arena or pool SIZE";
        }
        if (!text.empty()) {
            if (word_of(text) != "expects") return "behind a route may stand: expects N blocks SIZE";
            if (!detail::read_number(word_of(text), number) || number < 0 || word_of(text) != "blocks") return "expected is: N blocks SIZE";
            rule.blocks = static_cast<std::uint64_t>(number);
            if (!detail::read_number(text, number) || number < 0) return "expected is: N blocks SIZE";
            rule.held = static_cast<std::uint64_t>(number);
        }
        routes[at] = rule;
        return {};
    }
    constexpr std::string_view take_rest(std::string_view text) noexcept {
        std::int64_t number = 0;
        const bool right = word_of(text) == "expects" && detail::read_number(word_of(text), number) && number >= 0 && text == "blocks";
        if (right) rest = static_cast<std::uint64_t>(number);
        return right ? std::string_view{} : "of the rest is said: expects N blocks";
    }
    constexpr std::string_view take_classes(std::string_view text) noexcept {
        if (word_of(text) != "v1") return "size classes of a version that this program does not know";
        if (class_count != 0) return "size classes were given already";
        std::uint32_t sizes[most_routes]{};
        std::size_t n = 0, free = 0;
        for (const route_rule& r : routes) free += r.by.kind == route_kind::none;
        std::int64_t number = 0, last = 0, expected = 0;
        while (!text.empty()) {
            const std::string_view word = word_of(text);
            if (word == "expects") {
                if (!detail::read_number(text, expected) || expected < 0) return "of size classes is expected: a number of bytes";
                break;
            }
            const bool right = detail::read_number(word, number) && number > last && number % 16 == 0 && number <= static_cast<std::int64_t>(largest_routed);
            if (!right) return "size classes are multiples of 16 to 8192, the least first";
            if (n == free) return "more size classes than there are routes left, of 32";
            sizes[n++] = static_cast<std::uint32_t>(last = number);
        }
        if (n == 0) return "no size class is named";
        class_count = n;
        class_held = static_cast<std::uint64_t>(expected);
        for (std::size_t at = most_routes; n > 0;) {
            if (routes[--at].by.kind == route_kind::none) routes[at] = {{route_kind::pool, sizes[--n]}, 0, 0, true};
        }
        return {};
    }
    constexpr std::string_view take_site(std::string_view text) noexcept {
        if (count == most_site_rules) return "more than 64 sites";
        site_rule rule;
        const std::size_t at = route_number(word_of(text));
        if (at == most_routes || routes[at].by.kind == route_kind::none || routes[at].is_class) return "a site begins with the number of a route above it";
        rule.route = static_cast<std::uint8_t>(at);
        for (;;) {
            if (rule.depth == site_rule::most_places) return "a site has at most 6 places";
            if (const std::string_view wrong = take_place(word_of(text), rule.places[rule.depth++]); !wrong.empty()) return wrong;
            if (text.empty()) break;
            if (word_of(text) != "<") return "places are separated by <";
        }
        sites[count++] = rule;
        return {};
    }
    static constexpr std::string_view take_place(std::string_view text, site_place& place) noexcept {
        std::string_view parts[4];
        std::size_t n = 0;
        for (; n < 4; ++n) {
            const std::size_t colon = n < 3 ? text.find(':') : text.npos;  // names of functions may have some
            parts[n] = detail::before(text, colon);
            if (colon == text.npos) break;
            text = detail::after(text, colon + 1);
        }
        if (n < 2 || parts[0].empty()) return "a place is FILE:BUILDID:OFFSET or FILE:BUILDID:OFFSET:SYMBOL";
        place.file = parts[0];
        place.build_id = parts[1] == "-" ? std::string_view{} : parts[1];
        place.symbol = parts[3];
        bool hex = place.build_id.empty() || (place.build_id.size() >= 8 && place.build_id.size() <= 64);
        for (const char c : place.build_id) hex = hex && digit_of(c) < 16;
        if (!hex) return "a build id is 8 to 64 hexadecimal digits, or -";
        if (parts[2] != "-" && !read_hex(parts[2], place.offset)) return "an offset is 0x and hexadecimal digits, or -";
        if ((place.build_id.empty() || place.offset == 0) && place.symbol.empty()) return "a place needs a build id and an offset, or a symbol";
        return {};
    }
    static constexpr unsigned digit_of(char c) noexcept {
        return c >= '0' && c <= '9' ? static_cast<unsigned>(c - '0') : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10 : 16;
    }
    static constexpr bool read_hex(std::string_view text, std::uint64_t& number) noexcept {
        if (!text.starts_with("0x") || text.size() < 3 || text.size() > 2 + 16) return false;
        number = 0;
        for (const char c : detail::after(text, 2)) {
            if (digit_of(c) == 16) return false;
            number = number << 4 | digit_of(c);
        }
        return true;
    }
};

}  // namespace ashlar::malloc
