// apps/ashlar/symbols.hpp - the functions and lines of a trace's places in code.
//
// Layer:      apps/ashlar
// Picture:    places of one module --> a child process (debug_info) --> pipe --> lines
// Complexity: one child process per module; see debug_info.hpp.
// Failure:    a module that cannot be read costs a sentence in notes(), and its places have no lines. A file that makes the
//             reader crash or spin ends the child only.
// Threads:    main's thread.
// Checked by: tests/tool/symbols_test.py
#pragma once

#include <string>
#include <vector>

#include "ashlar/observe/trace_info.hpp"
#include "ashlar/observe/trace_stacks.hpp"
#include "debug_info.hpp"

namespace ashlar::app {

class symbols {
public:
    struct options {
        std::string debug_paths;  ///< folders, separated by colons
        unsigned seconds = 60;    ///< of processor time for one module
    };
    /// Finds the lines of these places; others stay unknown.
    symbols(const trace_stacks& stacks, const trace_info& info, const std::vector<bool>& wanted, const options& how);

    /// Innermost first, never empty: what is not known is told as module+offset.
    const std::vector<code_line>& of(std::uint32_t place) const { return lines_[place]; }
    const std::vector<std::string>& notes() const { return notes_; }
    /// The module's name without its folder; "code made at run time" for none.
    const std::string& module_name(std::uint32_t module) const { return names_[module]; }

private:
    void read_module(std::uint32_t module, const std::string& path, const std::vector<std::uint32_t>& places,
                     const trace_stacks& stacks, const options& how);
    void receive(int from, std::size_t& received);

    std::vector<std::vector<code_line>> lines_;
    std::vector<std::string> names_;
    std::vector<std::string> notes_;
};

}  // namespace ashlar::app
