// apps/ashlar/debug_info.hpp - which function and line an address of a file is, inlined calls included.
//
// Layer:      apps/ashlar
// Source:     DWARF 5, 3.3 (functions, inlined calls); elfutils' libdw, which finds separate files by build id.
// Complexity: opening is that of the file; an address O(log functions of its unit + depth).
// Failure:    error() says in one sentence why nothing can be told; an address that nothing covers has no lines.
// Threads:    one at a time.
// Checked by: tests/tool/symbols_test.py
//
// The file is any file: it may lie to libdw until it crashes. symbols.hpp runs this in a process that may.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ashlar::app {

/// One function that the code at an address belongs to. Where calls were inlined an address has several, innermost first.
struct code_line {
    std::string function;  ///< readable; "" if it is not known
    std::string file;      ///< "" if it is not known
    std::uint32_t line = 0;
};

class debug_info {
public:
    /// debug_paths: where to look for separate debug files, beyond /usr/lib/debug. The file must have that build id,
    /// unless none is known.
    debug_info(const std::string& path, std::span<const std::uint8_t> build_id, const std::string& debug_paths);
    ~debug_info();

    const std::string& error() const noexcept { return error_; }
    /// The address of an instruction, as the file's own headers count.
    std::vector<code_line> at(std::uint64_t address);

private:
    struct body;
    std::string error_;
    std::unique_ptr<body> body_;
};

}  // namespace ashlar::app
