// apps/ashlar/junit.hpp - outcomes in the XML that continuous integration reads.
//
// Layer:      apps/ashlar
// Source:     the JUnit report as Jenkins, GitLab and GitHub actions read it: testsuite, testcase, failure.
// Complexity: linear in the text.
// Failure:    none.
// Threads:    any.
// Checked by: tests/tool/check_test.py
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ashlar::app {

struct checked_limit {
    std::string name;
    bool kept = false;
    std::string found;
    std::string allowed;
};

/// One suite with a case for each limit. `subject` is any text: what XML cannot hold is replaced.
std::string junit_text(std::string_view suite, std::string_view subject, const std::vector<checked_limit>& all);

}  // namespace ashlar::app
