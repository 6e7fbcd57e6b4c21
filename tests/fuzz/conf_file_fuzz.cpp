// tests/fuzz/conf_file_fuzz.cpp - any bytes as ashlar.conf: values within their bounds, or one sentence about one line.
//
// What was read is printed, and the print is read as the same. A text with wrong lines is refused as a whole; the malloc's own
// reader passes over them, and what it takes then is what the text without those lines says.
#include <memory>
#include <string>
#include <vector>

#include "ashlar/malloc/conf_file.hpp"
#include "bytes.hpp"

using namespace ashlar::malloc;

namespace {

using text = std::string;

text number(std::uint64_t n) { return std::to_string(n); }
text hex(std::uint64_t n) {
    text digits;
    for (; n != 0; n >>= 4) digits.insert(digits.begin(), "0123456789abcdef"[n & 15]);
    return "0x" + digits;
}
text printed(const site_place& p) {
    const text id = p.build_id.empty() ? "-" : text(p.build_id), offset = p.offset == 0 ? "-" : hex(p.offset);
    return text(p.file) + ":" + id + ":" + offset + (p.symbol.empty() ? "" : ":" + text(p.symbol));
}
/// All of it, as a conf.
text printed(const options& o, const site_rules& r) {
    text all = "version = 1\n";
    for (const option& row : option_table) {
        const std::int64_t value = o.*row.value;
        all += text(row.key) + " = " + (row.words.empty() ? std::to_string(value) : text(detail::word_at(row.words, value))) + "\n";
    }
    for (const text_option& row : text_option_table) all += text(row.key) + " = " + text((o.*row.value).get()) + "\n";
    text sizes;
    for (std::size_t i = 0; i < site_rules::most_routes; ++i) {
        const route_rule& rule = r.routes[i];
        if (rule.is_class) sizes += " " + number(rule.by.block_size);
        if (rule.is_class || rule.by.kind == route_kind::none) continue;
        all += "route = " + number(i + 1) + (rule.by.kind == route_kind::arena ? " arena" : " pool " + number(rule.by.block_size));
        all += " expects " + number(rule.blocks) + " blocks " + number(rule.held) + "\n";
    }
    if (r.class_count != 0) all += "classes = v1" + sizes + " expects " + number(r.class_held) + "\n";
    for (std::size_t i = 0; i < r.count; ++i) {
        all += "site = " + number(r.sites[i].route + 1u);
        for (std::size_t k = 0; k < r.sites[i].depth; ++k) all += (k == 0 ? " " : " < ") + printed(r.sites[i].places[k]);
        all += "\n";
    }
    return all + "rest = expects " + number(r.rest) + " blocks\n";
}
void within_bounds(const options& o, const site_rules& r) {
    for (const option& row : option_table) REQUIRE(o.*row.value >= row.least && o.*row.value <= row.most);
    REQUIRE(r.count <= most_site_rules && r.class_count <= site_rules::most_routes);
    std::size_t classes = 0, last = 0;
    for (const route_rule& rule : r.routes) {
        REQUIRE(rule.by.kind != route_kind::pool || (rule.by.block_size % 16 == 0 && rule.by.block_size != 0 && rule.by.block_size <= largest_routed));
        if (!rule.is_class) continue;
        REQUIRE(rule.by.kind == route_kind::pool && rule.by.block_size > last);
        last = rule.by.block_size;
        ++classes;
    }
    REQUIRE(classes == r.class_count);
    for (std::size_t i = 0; i < r.count; ++i) {
        REQUIRE(r.sites[i].depth != 0 && r.sites[i].depth <= site_rule::most_places);
        REQUIRE(r.sites[i].route < site_rules::most_routes && r.routes[r.sites[i].route].by.kind != route_kind::none);
    }
}
std::vector<std::string_view> lines_of(std::string_view all) {
    std::vector<std::string_view> lines;
    while (!all.empty()) {
        lines.push_back(detail::before(all, all.find('\n')));
        all = detail::after(all, lines.back().size() + 1);
    }
    return lines;
}
/// A sentence for people: what is wrong, in which line.
void is_a_sentence(const conf_problem& p, std::size_t lines) {
    REQUIRE(p.line >= 1 && p.line <= lines);
    REQUIRE(!p.what.empty());
    for (const char c : p.what) REQUIRE(c >= ' ' && c <= '~');
    REQUIRE(p.word.find('\n') == p.word.npos);
}

struct tolerant {
    options settings;
    site_rules rules;
    std::vector<conf_problem> problems;
    explicit tolerant(std::string_view all, char separator = '\n') {
        const bool right = read_conf(all, separator, settings, [this](const conf_problem& p) { problems.push_back(p); }, rules);
        REQUIRE(right == problems.empty());
        within_bounds(settings, rules);
    }
};

}  // namespace

void fuzz::interpret(bytes b) {
    const std::string_view all(reinterpret_cast<const char*>(b.rest().data()), b.rest().size());
    static const auto conf = std::make_unique<conf_file>(), again = std::make_unique<conf_file>();
    const tolerant read(all);
    const auto lines = lines_of(all);
    const bool right = conf->parse(all);
    REQUIRE(right == (read.problems.empty() && all.size() <= longest_conf));
    if (right) {
        const text first = printed(conf->settings(), conf->rules());
        REQUIRE(first == printed(read.settings, read.rules));
        if (first.size() <= longest_conf) {
            REQUIRE(again->parse(first));
            REQUIRE(printed(again->settings(), again->rules()) == first);
        }
        for (const std::size_t size : {1u, 16u, 129u, 500u, 4361u, 8192u, 65536u}) REQUIRE(conf->granted(size) >= size && conf->granted(size) % 16 == 0);
    } else {
        static const text defaults = printed(options{}, site_rules{});
        REQUIRE(printed(conf->settings(), conf->rules()) == defaults);  // conf_file.I1
        if (conf->problem().line == 0) REQUIRE(all.size() > longest_conf && !conf->problem().what.empty());
        else is_a_sentence(conf->problem(), lines.size());
    }
    text kept = "version = 1\n";
    std::size_t wrong = 0;
    for (std::size_t n = 0; n < lines.size(); ++n) {
        if (wrong < read.problems.size() && read.problems[wrong].line == n + 1) is_a_sentence(read.problems[wrong++], lines.size());
        else kept += text(lines[n]) + "\n";
    }
    REQUIRE(wrong == read.problems.size());  // each line is told of once, in order
    const tolerant rest(kept);
    REQUIRE(rest.problems.empty());
    REQUIRE(printed(rest.settings, rest.rules) == printed(read.settings, read.rules));
    const tolerant environment(all, ',');
    REQUIRE(environment.rules.count == 0 && environment.rules.class_count == 0);
}
