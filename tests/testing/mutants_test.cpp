// tests/testing/mutants_test.cpp - the kit is proven on bugs: each is found, by the law that names it.
#include <array>
#include <catch2/catch.hpp>

#include "ashlar/testing/conforms.hpp"
#include "support/sanitizer.hpp"
#include "testing/specimen.hpp"

using namespace ashlar::testing;
using ashlar::tests::bug;
using ashlar::tests::specimen;

namespace {

struct mutant {
    bug what;
    law found_by;
    const char* name;
};

#define MUTANT(b, l) \
    { bug::b, law::l, #b }
constexpr std::array mutants{
    mutant MUTANT(overlapping_blocks, exclusivity),
    mutant MUTANT(aligns_the_offset, exclusivity),
    mutant MUTANT(ignores_alignment, exclusivity),
    mutant MUTANT(grants_too_little, exclusivity),
    mutant MUTANT(wraps_huge_sizes, exclusivity),
    mutant MUTANT(grants_from_returned_memory, exclusivity),
    mutant MUTANT(writes_past_a_block_on_free, frame),
    mutant MUTANT(writes_past_its_memory, frame),
    mutant MUTANT(writes_before_its_memory, frame),
    mutant MUTANT(writes_into_returned_memory, frame),
    mutant MUTANT(moves_a_neighbour_on_growth, frame),
    mutant MUTANT(walks_a_live_block, conservation),
    mutant MUTANT(walks_out_of_order, conservation),
    mutant MUTANT(keeps_memory_at_its_end, conservation),
    mutant MUTANT(forgets_to_coalesce, completeness),
    mutant MUTANT(looks_at_the_first_range_only, completeness),
    mutant MUTANT(refuses_exact_fits, completeness),
    mutant MUTANT(available_says_yes, completeness),
    mutant MUTANT(available_says_no, completeness),
    mutant MUTANT(available_forgets_alignment, completeness),
    mutant MUTANT(gives_up_after_a_refusal, completeness),
    mutant MUTANT(ignores_misuse, rejection),
    mutant MUTANT(leaks_upstream_on_refusal, strong_failure),
    mutant MUTANT(refusal_splits_a_range, strong_failure),
    mutant MUTANT(refused_growth_takes_bytes, strong_failure),
    mutant MUTANT(refused_shrinking_gives_bytes, strong_failure),
    mutant MUTANT(loses_the_tail_on_free, reversibility),
    mutant MUTANT(loses_padding, reversibility),
    mutant MUTANT(depends_on_the_address, independence),
    mutant MUTANT(growth_overlaps_a_neighbour, growth),
    mutant MUTANT(growth_moves_the_block, growth),
    mutant MUTANT(growth_clears_the_block, growth),
    mutant MUTANT(shrinking_clears_the_block, shrinking),
    mutant MUTANT(shrinking_moves_the_block, shrinking),
    mutant MUTANT(reallocate_loses_a_byte, reallocation),
    mutant MUTANT(reallocate_refused_loses_the_block, reallocation),
    mutant MUTANT(zeroed_but_the_last_byte, zeroing),
    mutant MUTANT(owns_nothing, ownership),
    mutant MUTANT(owns_everything, ownership),
    mutant MUTANT(reset_forgets_a_block, reset),
    mutant MUTANT(breaks_its_own_contract, contracts),
};
#undef MUTANT

conformity examine(const char* name, bug b, std::uint64_t seed, std::size_t scripts = 8) {
    const support::leaks_are_meant some_bugs_are_leaks;
    const effort little{.scripts = scripts, .sweeps = 1, .shrinking = 0, .seed = seed};
    return conforms(name, [b](ground& g) { return specimen(g.upstream(), b); }, little, reports_misuse());
}

}  // namespace

TEST_CASE("mutants: the specimen without a bug keeps every law", "[testing][mutants]") {
    const conformity kept = examine("specimen", bug::none, 1, 48);
    INFO(kept.text());
    CHECK(kept.ok());
    for (std::size_t i = 0; i < law_count; ++i) CHECK(kept.verdicts[i] == verdict::held);
}

TEST_CASE("mutants: every bug is found by the law that names it", "[testing][mutants]") {
    for (const mutant& m : mutants) {
        std::string found;
        bool named = false;
        for (std::uint64_t seed = 1; seed < 100 && !named; seed += 8) {
            const conformity seen = examine(m.name, m.what, seed);
            named = seen.of(m.found_by) == verdict::broken;
            found += seen.text();
        }
        INFO(m.name << " should break " << text_of(m.found_by).name << "; found:\n" << found);
        CHECK(named);
    }
}

TEST_CASE("mutants: there is one for every law", "[testing][mutants]") {
    for (std::size_t i = 0; i < law_count; ++i) {
        bool named = false;
        for (const mutant& m : mutants) named = named || m.found_by == static_cast<law>(i);
        INFO(law_texts[i].name);
        CHECK(named);
    }
}
