// tests/support/enrol.hpp - one line enrols a component in every law that its abilities imply.
//
// ASHLAR_ENROL(name, factory, statements...) stands in the component's own test; the statements are what it says about
// itself (ashlar/testing/claims.hpp). The program prints the matrix of components and laws at its end. Environment:
//   ASHLAR_LAW_EFFORT   tries so many times as much
//   ASHLAR_LAW_SEED     tries other scripts
//   ASHLAR_LAW_MATRIX   a file to append the rows to: ctest -R strategy/ then makes one table of all components
#pragma once

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ashlar/testing/conforms.hpp"
#include "ashlar/testing/matrix.hpp"
#include "support/sanitizer.hpp"

namespace ashlar::tests {

/// The rows of this program's run; printed when the program ends.
class matrix_printer {
public:
    ~matrix_printer() {
        for (const std::string& line : lines_) std::printf("\n%s\n", line.c_str());
        if (rows_.empty()) return;
        std::printf("\n%s", testing::matrix(rows_).c_str());
        const char* path = std::getenv("ASHLAR_LAW_MATRIX");
        std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "a");
        if (file == nullptr) return;
        std::fseek(file, 0, SEEK_END);
        if (std::ftell(file) == 0) std::fputs(testing::matrix_head().c_str(), file);
        for (const testing::conformity& row : rows_) std::fputs(testing::matrix_row(row).c_str(), file);
        std::fclose(file);
    }
    void add(testing::conformity row) { rows_.push_back(std::move(row)); }
    /// A figure about what was tried, printed above the table.
    void add_line(std::string line) { lines_.push_back(std::move(line)); }

private:
    std::vector<testing::conformity> rows_;
    std::vector<std::string> lines_;
};
inline matrix_printer law_matrix;

inline std::size_t number_from_environment(const char* name, std::size_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

template <class Factory, class... Statements>
void enrol(const char* name, const Factory& make, Statements... said) {
    testing::effort work;
    const std::size_t times = number_from_environment("ASHLAR_LAW_EFFORT", 1);
    const std::size_t share = support::sanitized ? 3 : 1;  // a sanitizer's tree is unoptimised, and every check is on
    work.scripts = work.scripts * times / share;
    work.sweeps = work.sweeps * times / share;
    work.seed = number_from_environment("ASHLAR_LAW_SEED", 1);
    testing::conformity kept = testing::conforms(name, make, work, said...);
    for (const testing::violation& v : kept.log.violations()) {
        const testing::law_text& law = testing::text_of(v.broken);
        FAIL_CHECK(name << " breaks " << law.key << " " << law.name << ": " << v.what << "\nthe law: " << law.sentence
                        << "\n" << v.script);
    }
    CHECK(kept.ok());
    law_matrix.add(std::move(kept));
}

}  // namespace ashlar::tests

#define ASHLAR_ENROL(name, ...)                                                    \
    TEST_CASE(name ": keeps every law that its abilities imply", "[laws]") {       \
        ::ashlar::tests::enrol(name, __VA_ARGS__);                                 \
    }                                                                              \
    static_assert(true)
