// apps/ashlar/leaks.hpp - blocks that were never freed, by the stacks that asked for them, but for those that are known.
//
// Layer:      apps/ashlar
// Source:     the suppression files of LeakSanitizer: "leak:PATTERN" a line, '*' for any text, '#' begins a comment.
// Complexity: patterns times frames of the stacks that leaked.
// Failure:    throws app::failure: a file that cannot be read, or a line that is no suppression.
// Threads:    main's thread.
// Checked by: tests/tool/check_program_test.py
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stack_view.hpp"

namespace ashlar::app {

class suppressions {
public:
    suppressions() = default;
    explicit suppressions(const std::string& file);

    /// A pattern is found anywhere in the name of a function, of its file or of its module, as '^' and '$' allow.
    bool cover(const stack_view& view, const std::vector<std::uint32_t>& path) const;

private:
    std::vector<std::string> patterns_;
};

/// @returns whether `pattern` is found in `text`
bool matches(std::string_view pattern, std::string_view text) noexcept;

struct leak {
    std::uint32_t node;  ///< of the view, at the end of the stack
    tally what;
};
struct leak_report {
    std::vector<leak> leaks;  ///< most bytes first
    tally all;
    tally suppressed;
};
leak_report find_leaks(const stack_view& view, const suppressions& known);

/// The heaviest, each with its stack, for the terminal.
std::string leaks_text(const stack_view& view, const leak_report& found, std::size_t most);

}  // namespace ashlar::app
