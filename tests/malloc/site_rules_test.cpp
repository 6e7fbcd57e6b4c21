#include "ashlar/malloc/site_rules.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace ashlar::malloc;

namespace {
struct outcome {
    site_rules rules;
    bool right = false;
    std::vector<conf_problem> problems;
};
outcome read(std::string_view text) {
    outcome o;
    options ignored;
    o.right = read_conf(text, '\n', ignored, [&](const conf_problem& p) { o.problems.push_back(p); }, o.rules);
    return o;
}
std::string problem_of(const std::string& line) {
    const outcome o = read("version = 1\nroute = 1 arena\n" + line + "\n");
    return o.problems.empty() ? "" : std::string(o.problems.front().what);
}
}  // namespace

TEST_CASE("site_rules: routes, places and what is expected are read", "[malloc][site_rules]") {
    const outcome o = read(
        "version = 1\n"
        "route = 1 arena expects 1200 blocks 3 MiB  # nodes\n"
        "route = 32 pool 4361\n"
        "site = 1 libx.so.2:8b13c5e2:0x4f3c1:make_node < prog:77aa01bc:0x1234 < prog:-:-:a::b(int)\n"
        "site=32 prog:77AA:0x1\n"
        "site = 32 prog:77aa01bc:0x1\n"
        "rest = expects 31000 blocks\n");
    REQUIRE(o.problems.size() == 1);
    CHECK(o.problems[0].line == 5);
    CHECK(o.rules.routes[0].by.kind == route_kind::arena);
    CHECK(o.rules.routes[0].blocks == 1200);
    CHECK(o.rules.routes[0].held == 3 << 20);
    CHECK(o.rules.routes[31].by.kind == route_kind::pool);
    CHECK(o.rules.routes[31].by.block_size == 4368);
    CHECK(o.rules.rest == 31000);
    REQUIRE(o.rules.count == 2);
    CHECK(o.rules.class_count == 0);
    const site_rule& first = o.rules.sites[0];
    CHECK(first.route == 0);
    REQUIRE(first.depth == 3);
    CHECK(first.places[0].build_id == "8b13c5e2");
    CHECK(first.places[0].offset == 0x4f3c1);
    CHECK(first.places[0].symbol == "make_node");
    CHECK(first.places[1].symbol.empty());
    CHECK(first.places[2].build_id.empty());
    CHECK(first.places[2].symbol == "a::b(int)");
}

TEST_CASE("site_rules: what is wrong with a line is said, and it changes nothing", "[malloc][site_rules]") {
    for (const char* line : {"route = 33 arena", "route = 0 arena", "route = x", "route = 2 heap", "route = 2 pool", "route = 2 pool 9000",
                             "route = 2 pool -1", "route = 2 arena and", "route = 2 arena expects", "route = 2 arena expects 3 blocks",
                             "route = 2 arena expects 3 blocks 99999999999999999999", "site = 2 a:12345678:0x1", "site = 1", "site = 1 a", "site = 1 a:b",
                             "site = 1 :12345678:0x1", "site = 1 a:1234567g:0x1", "site = 1 a:12345678:12", "site = 1 a:12345678:0x", "site = 1 a:-:0x12",
                             "site = 1 a:12345678:0x11112222333344445", "site = 1 a:12345678:0x1 a:12345678:0x2", "site = 1 a:12345678:0x1 <",
                             "site = 1 a:12345678:0x1 < b", "rest = 12", "rest = expects many blocks", "classes =", "classes = v1", "classes = v2 528",
                             "classes = 528", "classes = v1 0", "classes = v1 528 528", "classes = v1 528 512", "classes = v1 530", "classes = v1 8208", "classes = v1 528 expects",
                             "classes = v1 528 expects -1", "classes = v1 528 expects much", "classes = v1 expects 9 KiB", "classes = v1 18446744073709552144"}) {
        INFO(line);
        CHECK(problem_of(line) != "");
    }
    CHECK(problem_of("site = 1 a:12345678:0x1") == "");
    std::string many = "version = 1\nroute = 1 arena\n";
    for (std::size_t i = 0; i <= most_site_rules; ++i) many += "site = 1 a:12345678:0x1\n";
    CHECK(read(many).problems.size() == 1);
    std::string deep = "site = 1 a:12345678:0x1";
    for (int i = 0; i < 6; ++i) deep += " < a:12345678:0x1";
    CHECK(problem_of(deep) == "a site has at most 6 places");
}

TEST_CASE("site_rules: a malloc without routes passes over them", "[malloc][site_rules]") {
    options o;
    const bool right = read_conf("version = 1\nroute = anything\nsite = at all\npurge_delay_ms = 7\n", '\n', o, [](const conf_problem&) {});
    CHECK(right);
    CHECK(o.purge_delay_ms == 7);
}

TEST_CASE("site_rules: size classes take the last routes that are free, the least class first", "[malloc][site_rules]") {
    const outcome o = read("version = 1\nroute = 31 arena\nclasses = v1 144 528 4368 expects 5240 KiB\nroute = 30 arena\nsite = 32 a:12345678:0x1\nclasses = v1 16\n");
    REQUIRE(o.problems.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) CHECK(o.problems[i].line == i + 4);
    CHECK(o.rules.class_count == 3);
    CHECK(o.rules.class_held == 5240 << 10);
    for (const auto& [at, bytes] : {std::pair{28u, 144u}, {29u, 528u}, {31u, 4368u}}) {
        CHECK(o.rules.routes[at].is_class);
        CHECK(o.rules.routes[at].by.kind == route_kind::pool);
        CHECK(o.rules.routes[at].by.block_size == bytes);
    }
    CHECK_FALSE(o.rules.routes[30].is_class);
    std::string many = "version = 1\nroute = 1 arena\nclasses = v1";
    for (std::size_t i = 1; i <= site_rules::most_routes; ++i) many += " " + std::to_string(16 * i);
    CHECK(read(many).problems.size() == 1);
}
