// ashlar/observe/trace_stacks.hpp - the call stacks of a trace: a tree of places in code, and the files they are in.
//
// Layer:      observe
// Source:     docs/trace_format.md, stacks.
// Picture:    0 (nothing) <- main <- run <- parse <- malloc's caller     a stack is the number of its innermost frame
//             1 (cut)     <- parse <- ...                                 what called the outermost is not known
// Complexity: expected O(1) each. Memory: 40 bytes per frame of the tree, 40 per place, whatever the number of events.
// Failure:    std::bad_alloc.
// Threads:    one at a time.
// Invariants: trace_stacks.I1  a frame's parent has a smaller number: there are no cycles
// Checked by: tests/observe/trace_stacks_test.cpp, tests/observe/trace_reader_test.cpp
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace ashlar {

/// A file that was loaded into the process. Number 0 stands for none: code made at run time.
struct trace_module {
    std::string path;             ///< "" for the program itself; trace_info::executable says its path
    std::vector<std::uint8_t> build_id;
    std::uint64_t bias = 0;       ///< from addresses of the file to addresses of the process
    std::uint64_t begin = 0;      ///< of its mapping, as an address of the file
    std::uint64_t bytes = 0;
};

/// A place in code: where a call returns to. Its own address is in the instruction before.
struct trace_place {
    std::uint32_t module = 0;
    std::uint64_t offset = 0;     ///< the file's address, before it was loaded; for module 0 the process's
    friend constexpr bool operator==(const trace_place&, const trace_place&) = default;
};

class trace_stacks {
public:
    struct frame {
        std::uint32_t parent;     ///< the caller: another frame, or one of the two below
        std::uint32_t place;      ///< an index of places()
    };
    static constexpr std::uint32_t unknown = 0;
    static constexpr std::uint32_t cut = 1;
    static constexpr std::uint32_t first = 2;

    trace_stacks();

    /// frames()[number]; the two first are no frames.
    const std::vector<frame>& frames() const noexcept { return frames_; }
    const std::vector<trace_place>& places() const noexcept { return places_; }
    const std::vector<trace_module>& modules() const noexcept { return modules_; }

    /// The places of a stack, the innermost first. @returns whether all callers are known
    bool unfold(std::uint32_t stack, std::vector<std::uint32_t>& places) const;

    /// @returns the number of the place
    std::uint32_t add_place(trace_place);
    /// @pre parent < frames().size(), place < places().size() @returns the frame's number
    std::uint32_t add_frame(std::uint32_t parent, std::uint32_t place);
    /// Makes room for a module's description. @pre number < module_limit
    trace_module& module(std::uint32_t number);

    static constexpr std::uint32_t module_limit = 1U << 16;

private:
    struct place_hash {
        std::size_t operator()(const trace_place& p) const noexcept {
            return static_cast<std::size_t>((p.offset ^ std::uint64_t{p.module} << 48) * 0x9E3779B97F4A7C15U >> 7);
        }
    };
    std::vector<frame> frames_;
    std::vector<trace_place> places_;
    std::vector<trace_module> modules_;
    std::unordered_map<trace_place, std::uint32_t, place_hash> place_numbers_;
    std::unordered_map<std::uint64_t, std::uint32_t> frame_numbers_;  // by (parent << 32 | place)
};

}  // namespace ashlar
