#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

#include "ashlar/malloc/conf.hpp"

using namespace ashlar::malloc;

namespace {
struct outcome {
    options set;
    bool right = false;
    std::vector<conf_problem> problems;
};
outcome read(std::string_view text, char separator = '\n') {
    outcome o;
    o.right = read_conf(text, separator, o.set, [&](const conf_problem& p) { o.problems.push_back(p); });
    return o;
}
}  // namespace

TEST_CASE("conf: settings, comments, blanks and units are read", "[malloc][conf]") {
    const outcome o = read(
        "# for the server\nversion = 1\n\n  purge_delay_ms=100 # soon\r\nretain_bytes = 3 MiB\nthp=always\n"
        "page_extend = compact\nlarge_cache_bytes = 16KiB\nzero_on_free = on");
    CHECK(o.right);
    CHECK(o.set.purge_delay_ms == 100);
    CHECK(o.set.retain_bytes == 3 << 20);
    CHECK(o.set.huge_pages() == thp_policy::always);
    CHECK(o.set.extend() == extend_policy::compact);
    CHECK(o.set.large_cache_bytes == 16 << 10);
    CHECK(o.set.zero_on_free == 1);
}

TEST_CASE("conf: each wrong line is named by its number and changes nothing", "[malloc][conf]") {
    const outcome o = read("version = 1\nno_such_key = 1\nthp = sometimes\npurge_delay_ms = -2\npurge_delay_ms\n"
                           "retain_bytes = 12 parsecs\nretain_bytes = 99999999999999999999\npurge_delay_ms = 7\n");
    CHECK_FALSE(o.right);
    REQUIRE(o.problems.size() == 6);
    for (std::size_t i = 0; i < 6; ++i) CHECK(o.problems[i].line == i + 2);
    CHECK(o.problems[0].word == "no_such_key");
    CHECK(o.problems[1].word == "sometimes");
    CHECK(o.set.purge_delay_ms == 7);
    CHECK(o.set.retain_bytes == options{}.retain_bytes);
}

TEST_CASE("conf: a file without a version, or of another one, is told so", "[malloc][conf]") {
    CHECK(read("purge_delay_ms = 7\n").problems.size() == 1);
    CHECK(read("purge_delay_ms = 7\n").set.purge_delay_ms == options{}.purge_delay_ms);
    const outcome o = read("version = 2\n");
    REQUIRE(o.problems.size() == 1);
    CHECK(o.problems[0].word == "2");
    CHECK(read("").right);
}

TEST_CASE("conf: the environment's form is separated by commas and needs no version", "[malloc][conf]") {
    const outcome o = read("purge_delay_ms=0,thp=never,,retain_bytes=1MiB", ',');
    CHECK(o.right);
    CHECK(o.set.purge_delay_ms == 0);
    CHECK(o.set.huge_pages() == thp_policy::never);
    CHECK(o.set.retain_bytes == 1 << 20);
}

TEST_CASE("conf: any bytes are read without harm", "[malloc][conf]") {
    std::mt19937 random(1);
    const std::string alphabet = "version=1\n#,- \tKMiBthp0123456789retain_bytes|\x01\xff";
    for (int i = 0; i < 20'000; ++i) {
        std::string text(random() % 60, ' ');
        for (char& c : text) c = alphabet[random() % alphabet.size()];
        const outcome o = read(text);
        for (const option& k : option_table) {
            if (o.set.*k.value < k.least || o.set.*k.value > k.most) FAIL(text);
        }
    }
}
