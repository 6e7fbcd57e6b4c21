#include "ashlar/testing/conforms.hpp"

#include <catch2/catch.hpp>

#include "testing/specimen.hpp"

using namespace ashlar;
using namespace ashlar::testing;
using tests::bug;
using tests::specimen;

namespace {
struct barest {
    ground::upstream_type& upstream;
    result<block> allocate(layout l) noexcept { return upstream.allocate(l); }
    void deallocate(std::byte* p, layout l) noexcept { upstream.deallocate(p, l); }
};
const effort little{.scripts = 8, .sweeps = 1};
}  // namespace

TEST_CASE("conforms: abilities imply laws and absent ones imply none", "[testing][conforms]") {
    const conformity kept = conforms("barest", [](ground& g) { return barest{g.upstream()}; }, little);
    CHECK(kept.ok());
    CHECK(kept.text().empty());
    for (const law l : {law::exclusivity, law::frame, law::conservation, law::strong_failure, law::reallocation}) {
        CHECK(kept.of(l) == verdict::held);
    }
    for (const law l : {law::completeness, law::growth, law::shrinking, law::zeroing, law::ownership, law::reset}) {
        CHECK(kept.of(l) == verdict::not_implied);
    }
}

TEST_CASE("conforms: a broken law is told with its sentence and a short script", "[testing][conforms]") {
    const conformity kept =
        conforms("careless", [](ground& g) { return specimen(g.upstream(), bug::zeroed_but_the_last_byte); }, little);
    CHECK_FALSE(kept.ok());
    CHECK(kept.of(law::zeroing) == verdict::broken);
    CHECK(kept.text() ==
          "careless breaks A4 zeroing: a byte is not zero\n"
          "  the law: a block asked for zeroed is zero in every byte that was asked for\n"
          "    allocate zeroed 1 bytes aligned to 1\n"
          "      -> #1, 1\n");
}

TEST_CASE("conforms: an excused law is shown as such with its reason", "[testing][conforms]") {
    const conformity kept =
        conforms("honest", [](ground& g) { return specimen(g.upstream(), bug::zeroed_but_the_last_byte); }, little,
                 excuse(law::zeroing, "the last byte is a mark"));
    CHECK(kept.ok());
    CHECK(kept.of(law::zeroing) == verdict::excused);
}
