#include "ashlar/malloc/conf_file.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <memory>
#include <string>

using namespace ashlar::malloc;

namespace {

const std::string sample =
    "# made by ashlar advise\n"
    "version = 1\n"
    "thp = always\n"
    "purge_delay_ms = -1\n"
    "classes = v1 528 4368 expects 5240 KiB\n"
    "route = 1 arena expects 400000 blocks 3 MiB\n"
    "route = 2 pool 112\n"
    "site = 1 prog:8b13c5e2a7d90f14:0x4f3c1:make_node\n"
    "site = 2 prog:8b13c5e2a7d90f14:0x1249:xmalloc < prog:8b13c5e2a7d90f14:0x128b:new_page\n"
    "rest = expects 31000 blocks\n";

bool is_default(const conf_file& c) {
    return !c.has_rules() && c.rules().rest == 0 && c.settings().huge_pages() == thp_policy::automatic && c.settings().purge_delay_ms == 500;
}
/// Whatever was read, what it says can be used: numbers within their bounds, words within the text.
bool is_usable(const conf_file& c) {
    if (c.rules().count > most_site_rules || c.rules().class_count > site_rules::most_routes) return false;
    for (std::size_t i = 0; i < c.rules().count; ++i) {
        const site_rule& rule = c.rules().sites[i];
        if (rule.route >= site_rules::most_routes || rule.depth == 0 || rule.depth > site_rule::most_places) return false;
        if (c.rules().routes[rule.route].by.kind == route_kind::none) return false;
    }
    for (const std::size_t size : {1u, 16u, 500u, 529u, 4361u, 8192u, 65536u}) {
        if (c.granted(size) < size || c.granted(size) % 16 != 0) return false;
    }
    return c.route_of({"make_node"}) == nullptr || c.route_of({"make_node"})->by.kind != route_kind::none;
}

}  // namespace

TEST_CASE("conf_file: options, routes and size classes are typed values", "[malloc][conf_file]") {
    const auto conf = std::make_unique<conf_file>();
    CHECK(is_default(*conf));
    REQUIRE(conf->parse(sample));
    CHECK(conf->settings().huge_pages() == thp_policy::always);
    CHECK(conf->settings().purge_delay_ms == -1);
    CHECK(conf->has_rules());
    CHECK((conf->granted(513) == 528 && conf->granted(529) == 640 && conf->granted(4100) == 4368 && conf->granted(4369) == 5120));
    const route_rule* const nodes = conf->route_of({"make_node", "parse", "main"});
    REQUIRE(nodes != nullptr);
    CHECK((nodes->by.kind == route_kind::arena && nodes->blocks == 400000 && nodes->held == 3 << 20));
    const route_rule* const pages = conf->route_of({"xmalloc", "new_page"});
    REQUIRE(pages != nullptr);
    CHECK((pages->by.kind == route_kind::pool && pages->by.block_size == 112));
    CHECK(conf->route_of({"xmalloc"}) == nullptr);  // a rule of two places is about both
    CHECK(conf->route_of({}) == nullptr);
    REQUIRE(conf->parse("version = 1\n"));
    CHECK(is_default(*conf));
}

TEST_CASE("conf_file: of a conf with one wrong line nothing is taken, and the line is named", "[malloc][conf_file]") {
    const auto conf = std::make_unique<conf_file>();
    for (const char* wrong : {"thp = perhaps", "colour = 3", "classes = v1 530", "classes = v2 528", "route = 33 arena", "site = 9 a:12345678:0x1", "thp"}) {
        INFO(wrong);
        CHECK_FALSE(conf->parse(sample + wrong + "\nretain_bytes = 1 MiB\n"));
        CHECK(conf->problem().line == 11);
        CHECK_FALSE(conf->problem().what.empty());
        CHECK(is_default(*conf));
    }
    CHECK_FALSE(conf->parse("thp = always\n"));  // no version
    CHECK_FALSE(conf->parse(sample + std::string(longest_conf, '#')));
    CHECK(conf->problem().line == 0);
}

TEST_CASE("conf_file: a file is read as its text is, and one that cannot be is refused", "[malloc][conf_file]") {
    const auto conf = std::make_unique<conf_file>();
    char name[] = "conf_file_test_XXXXXX";
    const int made = mkstemp(name);
    REQUIRE(made >= 0);
    std::FILE* const file = fdopen(made, "w");
    std::fputs(sample.c_str(), file);
    std::fclose(file);
    CHECK(conf->read(name));
    CHECK(conf->granted(4100) == 4368);
    std::remove(name);
    CHECK_FALSE(conf->read(name));
    CHECK(is_default(*conf));
    CHECK_FALSE(conf->read("/"));
    CHECK(conf->problem().line == 0);
}

TEST_CASE("conf_file: a conf cut anywhere, or with any byte changed, is read or refused, and never half", "[malloc][conf_file]") {
    const auto conf = std::make_unique<conf_file>();
    int bad = 0;
    const auto look = [&](std::string_view text) {
        const bool right = conf->parse(text);
        if (!is_usable(*conf) || (!right && !is_default(*conf))) ++bad;
    };
    for (std::size_t n = 0; n <= sample.size(); ++n) look(std::string_view(sample).substr(0, n));
    for (std::size_t at = 0; at < sample.size(); ++at) {
        for (const char c : {'\0', '\n', ' ', '=', '9', '<', ':', '#', '-', '\xff', static_cast<char>(sample[at] ^ 1)}) {
            std::string text = sample;
            text[at] = c;
            look(text);
        }
    }
    CHECK(bad == 0);
}
