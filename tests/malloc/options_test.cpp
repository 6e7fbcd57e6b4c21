#include <catch2/catch.hpp>

#include <set>
#include <string>

#include "ashlar/malloc/options.hpp"

using namespace ashlar::malloc;

TEST_CASE("options: every key is there once, explained, and its default is within its range", "[malloc][options]") {
    const options defaults;
    std::set<std::string> keys;
    for (const option& o : option_table) {
        CHECK(keys.insert(std::string(o.key)).second);
        CHECK(!o.meaning.empty());
        CHECK(defaults.*o.value >= o.least);
        CHECK(defaults.*o.value <= o.most);
    }
    std::size_t texts = 0;
    for (const text_option& o : text_option_table) {
        CHECK(keys.insert(std::string(o.key)).second);
        CHECK((defaults.*o.value).get().empty());
        ++texts;
    }
    CHECK(sizeof(options) == (keys.size() - texts) * sizeof(std::int64_t) + texts * sizeof(setting_text));  // no option is without a key
}
