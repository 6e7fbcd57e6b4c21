// apps/ashlar/table.hpp - the one way a command prints rows: columns fit their content, numbers right.
//
// Layer:      apps/ashlar
// Complexity: linear in the cells.
// Failure:    none.
// Threads:    one at a time.
// Checked by: tests/tool/report_test.py
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ashlar::app {

class table {
public:
    /// A heading that begins with '>' makes a column of numbers: set to the right, and so is its heading.
    explicit table(std::vector<std::string> headings);

    /// A row shorter than the headings is filled with blanks; a longer one is cut.
    table& row(std::vector<std::string> cells);

    bool empty() const { return rows_.empty(); }
    /// The table with `indent` blanks before each line, a rule under the headings (neither if all headings
    /// are blank), and no blanks at line ends.
    std::string text(std::size_t indent = 2) const;

private:
    std::vector<std::string> headings_;
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace ashlar::app
