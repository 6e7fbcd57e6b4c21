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

/// yes: kept; NO: broken; (n): excused, see note n; -: not implied by its abilities
inline std::string cell(verdict v, std::size_t note) {
    switch (v) {
        case verdict::held: return "yes";
        case verdict::broken: return "NO";
        case verdict::excused: return "(" + std::to_string(note) + ")";
        case verdict::not_implied: return "-";
    }
    return "?";
}

/// A Markdown table, one row a component, one column a law, the excuses as notes below.
inline std::string matrix(const std::vector<conformity>& rows) {
    std::string table = "| component |";
    std::string rule = "|---|";
    for (const law_text& t : law_texts) {
        table.append(" ").append(t.key).append(" ").append(t.name).append(" |");
        rule += "---|";
    }
    table += "\n" + rule + "\n";
    std::vector<std::string> notes;
    for (const conformity& row : rows) {
        table += "| " + row.name + " |";
        for (std::size_t i = 0; i < law_count; ++i) {
            if (row.verdicts[i] == verdict::excused) notes.push_back(row.excused[i]);
            table += " " + cell(row.verdicts[i], notes.size()) + " |";
        }
        table += "\n";
    }
    for (std::size_t n = 0; n < notes.size(); ++n) table += "\n(" + std::to_string(n + 1) + ") " + notes[n] + "\n";
    return table;
}

}  // namespace ashlar::testing
