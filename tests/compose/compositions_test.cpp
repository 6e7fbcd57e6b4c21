// Where the law kit is compiled for test-compose, once, for allocators of any type; and how many compositions there are.
#include "support/compositions.hpp"

#include "support/enrol.hpp"

namespace ashlar::tests {

void enrol_erased(const std::string& name, const erased_maker& make, const std::vector<erased_statement>& said,
                  thoroughness how) {
    testing::effort work;
    work.scripts = 24;  // what is below an adaptor has its own suite at full effort
    work.sweeps = 1;
    work.sweep_limit = 48;
    if (how == thoroughness::brief) {
        work.scripts = 8;
        work.acts = 32;
        work.sweep_limit = 24;
    }
    const std::size_t times = number_from_environment("ASHLAR_LAW_EFFORT", 1);
    work.scripts *= times;
    work.sweeps *= times;
    work.seed = number_from_environment("ASHLAR_LAW_SEED", 1);
    testing::conformity kept = testing::conforms(name, make, work, [&](auto& c) {
        for (const erased_statement& s : said) s(c);
    });
    for (const testing::violation& v : kept.log.violations()) {
        const testing::law_text& law = testing::text_of(v.broken);
        FAIL_CHECK(name << " breaks " << law.key << " " << law.name << ": " << v.what << "\nthe law: " << law.sentence
                        << "\n" << v.script);
    }
    CHECK(kept.ok());
    if (how == thoroughness::full) law_matrix.add(std::move(kept));
}

}  // namespace ashlar::tests

TEST_CASE("compositions: every pair of adaptors is some strategy's to try", "[compose][compositions]") {
    using namespace ashlar::tests;
    std::size_t pairs = 0;
    for (std::size_t s = 0; s < composed_strategies; ++s) pairs += pairs_of_strategy(s).size();
    CHECK(pairs == adaptor_count * adaptor_count);
}

TEST_CASE("compositions: at least sixty are put under the laws, and the matrix says how many", "[compose][compositions]") {
    using namespace ashlar::tests;
    CHECK(composed::all().size() == composed_strategies);
    std::size_t sum = 0;
    std::string line;
    for (const composed& c : composed::all()) {
        sum += c.singles + c.pairs;
        line += (line.empty() ? "" : ", ") + c.strategy + " " + std::to_string(c.singles) + " + " + std::to_string(c.pairs);
    }
    law_matrix.add_line(std::to_string(sum) + " compositions under the laws (one adaptor + two): " + line);
    CHECK(sum >= 60);
}
