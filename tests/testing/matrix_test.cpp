#include "ashlar/testing/matrix.hpp"

#include <catch2/catch.hpp>

using namespace ashlar::testing;

TEST_CASE("matrix: has a row a component, a column a law and the excuses last", "[testing][matrix]") {
    conformity one, two;
    one.name = "one";
    one.verdicts.fill(verdict::not_implied);
    one.verdicts[0] = verdict::held;
    one.verdicts[1] = verdict::broken;
    two = one;
    two.name = "two";
    two.verdicts[2] = verdict::excused;
    two.excused[2] = "on purpose";
    const std::string table = matrix({one, two});
    CHECK(table.find("| component | C1 exclusivity | C2 frame |") == 0);
    CHECK(table.find("| A7 contracts | excused because |\n") != std::string::npos);
    CHECK(table.find("\n| one | yes | NO | - | - |") != std::string::npos);
    CHECK(table.find("\n| two | yes | NO | no | - |") != std::string::npos);
    CHECK(table.find("| C3: on purpose |\n") != std::string::npos);
}
