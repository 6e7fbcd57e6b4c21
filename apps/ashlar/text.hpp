// apps/ashlar/text.hpp - numbers and names as people read them. Every command's text goes through here.
//
// Layer:      apps/ashlar
// Complexity: linear in the text.
// Failure:    none: any bytes and any number have a text.
// Threads:    any.
// Checked by: tests/tool/report_test.py
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ashlar::app {

std::string bytes_text(double bytes);               ///< "512 B", "1.50 KiB", "24.0 MiB"
std::string time_text(double nanoseconds);          ///< "85 ns", "1.24 s", "3 min 20 s"
std::string count_text(std::uint64_t count);        ///< "1,234,567"
std::string share_text(double part, double whole);  ///< "12.5 %"; "-" when there is no whole

/// `text` safe for a terminal: control characters, marks that turn the direction of writing and invalid UTF-8
/// are shown as \xNN, so that nothing recorded can move the cursor, hide a line or look like other text. Longer than `limit` bytes: cut, with "..." at the end.
std::string printable(std::string_view text, std::size_t limit = 160);

/// `text` with what is not UTF-8 replaced by U+FFFD: what JSON may hold.
std::string valid_utf8(std::string_view text);

/// The length of the UTF-8 sequence that `text` begins with; 0 if it begins with none.
std::size_t utf8_length(std::string_view text) noexcept;

}  // namespace ashlar::app
