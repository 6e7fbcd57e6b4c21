// apps/ashlar/stack_view.hpp - a trace's call stacks with names: the sites that allocate, and the tree of functions.
//
// Layer:      apps/ashlar
// Picture:    stacks of places --symbols--> stacks of functions, inlined ones included --> sites; tree
// Complexity: linear in the distinct stacks and their frames, after symbols.hpp.
// Failure:    what has no symbols is told as module+offset; notes() says why.
// Threads:    main's thread.
// Invariants: stack_view.I1  a node's parent stands before it; the costs of all nodes, and of all sites, add up to the trace's
// Checked by: tests/tool/symbols_test.py
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ashlar/observe/summary.hpp"
#include "symbols.hpp"

namespace ashlar::app {

class stack_view {
public:
    /// A function at a line.
    struct frame {
        std::string function;
        std::string file;
        std::uint32_t line = 0;
        std::uint32_t module = 0;  ///< an index of modules
        friend auto operator<=>(const frame&, const frame&) = default;
    };
    struct node {
        std::uint32_t parent;      ///< node 0 is the root; its parent is itself
        std::uint32_t frame;
        cost self;                 ///< of stacks that end here
    };
    /// Where the program's own code asks: the innermost frame that is not is_allocator().
    struct site {
        std::uint32_t frame;
        cost what;
        std::uint32_t heaviest;    ///< the node, at the end of a stack, with most of it live at the peak, or allocated
        std::uint32_t stacks;
        realloc_cost resized;      ///< of the reallocations asked for here
        realloc_chains::chain longest{};  ///< of those whose last reallocation was asked for here
    };

    /// Without symbols, if `how` is null.
    stack_view(const summary& s, const trace_stacks& stacks, const trace_info& info, const symbols::options* how);

    const std::vector<frame>& frames() const { return frames_; }
    const std::vector<node>& nodes() const { return nodes_; }
    const std::vector<site>& sites() const { return sites_; }  ///< most live at the peak first
    /// The index in sites() of where a stack asks. @returns nothing if no stack of that number was granted a block
    std::optional<std::size_t> site_of(std::uint32_t stack) const;
    const std::vector<std::string>& modules() const { return modules_; }
    const std::vector<std::string>& notes() const { return notes_; }
    /// The frames from a node outwards.
    std::vector<std::uint32_t> path(std::uint32_t from) const;

private:
    void set_sites(std::map<std::uint32_t, site>&& by_frame, const summary& s);

    std::vector<frame> frames_;
    std::vector<node> nodes_;
    std::vector<site> sites_;
    std::vector<std::uint32_t> site_of_stack_;
    std::vector<std::string> modules_;
    std::vector<std::string> notes_;
};

/// A function's name without parameters and template arguments.
std::string short_name(const std::string& function);
/// Whether a frame is the C++ library's, by its header or namespace, or hands on what malloc gives, by its name: ...alloc...,
/// ...strdup..., operator new.
bool is_allocator(const stack_view::frame& f);
/// "name at file:line", as far as it is known, fit for a terminal.
std::string frame_text(const stack_view::frame& f, bool whole_path = false);

}  // namespace ashlar::app
