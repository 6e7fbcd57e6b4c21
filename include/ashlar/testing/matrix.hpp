// ashlar/testing/matrix.hpp - which component keeps which law, as a table.
//
// Layer:      testing
// Complexity: one row a conformity.
// Failure:    none.
// Threads:    plain values.
// Checked by: tests/testing/matrix_test.cpp
//
// The table is always made from what was run, never written by hand.
#pragma once

#include <string>
#include <vector>

#include "ashlar/testing/conforms.hpp"

namespace ashlar::testing {

/// yes: kept; NO: broken; no: excused, see the last column; -: not implied by its abilities
constexpr const char* cell(verdict v) {
    switch (v) {
        case verdict::held: return "yes";
        case verdict::broken: return "NO";
        case verdict::excused: return "no";
        case verdict::not_implied: return "-";
    }
    return "?";
}

inline std::string matrix_head() {
    std::string head = "| component |", rule = "|---|";
    for (const law_text& t : law_texts) {
        head.append(" ").append(t.key).append(" ").append(t.name).append(" |");
        rule += "---|";
    }
    return head + " excused because |\n" + rule + "---|\n";
}

inline std::string matrix_row(const conformity& kept) {
    std::string row = "| " + kept.name + " |", reasons;
    for (std::size_t i = 0; i < law_count; ++i) {
        row.append(" ").append(cell(kept.verdicts[i])).append(" |");
        if (kept.verdicts[i] != verdict::excused) continue;
        reasons.append(reasons.empty() ? " " : "; ").append(law_texts[i].key).append(": ").append(kept.excused[i]);
    }
    return row + reasons + " |\n";
}

/// A Markdown table, one row a component, one column a law.
inline std::string matrix(const std::vector<conformity>& rows) {
    std::string table = matrix_head();
    for (const conformity& row : rows) table += matrix_row(row);
    return table;
}

}  // namespace ashlar::testing
