#include <catch2/catch.hpp>

#include "ashlar/malloc/control.hpp"

using namespace ashlar::malloc;

TEST_CASE("control: every key names an option whose values are of its type", "[malloc][control]") {
    for (const char* number : {keys::purge_delay_ms.name, keys::retain_bytes.name, keys::large_cache_bytes.name,
                               keys::soft_limit_bytes.name, keys::hard_limit_bytes.name}) {
        REQUIRE(find_option(number) != nullptr);
        CHECK(find_option(number)->words.empty());
    }
    for (const char* word : {keys::thp.name, keys::page_extend.name}) {
        REQUIRE(find_option(word) != nullptr);
        CHECK_FALSE(find_option(word)->words.empty());
    }
}

TEST_CASE("control: the words of an option and their numbers lead to each other", "[malloc][control]") {
    for (const option& o : option_table) {
        if (o.words.empty()) continue;
        for (std::int64_t n = o.least; n <= o.most; ++n) {
            std::int64_t back = -1;
            CHECK(read_value(o, detail::word_at(o.words, n), back) == setting_error::none);
            CHECK(back == n);
        }
        CHECK(detail::word_at(o.words, o.most + 1).empty());
    }
}
