// apps/ashlar/file.hpp - write a file whole or not at all.
//
// Layer:      apps/ashlar
// Complexity: one pass over the text.
// Failure:    throws app::failure; then an older file of that name is as it was, and nothing else is left.
// Threads:    any.
// Checked by: tests/tool/report_test.py
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace ashlar::app {

/// Writes `text` beside `path` and renames it there: a reader, a full disk or a kill never meets half a file.
/// What is not a regular file (a terminal, a pipe, /dev/null) is written directly; a link keeps linking.
void write_file(const std::string& path, std::string_view text);
/// The same of text that comes piece by piece: `writer` is called once, with what takes a piece.
void write_file(const std::string& path, const std::function<void(const std::function<void(std::string_view)>&)>& writer);

/// Fails now, with write_file's sentence, where write_file would fail later. Nothing is written.
void check_writable(const std::string& path);

/// Fails now if no new file of that name and length can be made and mapped: what permissions say, /proc and a full disk
/// do not keep. It is tried with a file of another name, which is gone again. @pre check_writable(path)
void check_room(const std::string& path, std::size_t bytes);

}  // namespace ashlar::app
