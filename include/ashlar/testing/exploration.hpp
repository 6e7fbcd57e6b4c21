// ashlar/testing/exploration.hpp - what an exploration is asked for, and what it has found: values, to be printed by who likes.
//
// Layer:      testing
// Complexity: text is built where it is asked for.
// Failure:    none.
// Threads:    values.
// Checked by: tests/testing/exploration_test.cpp, tests/testing/explore_test.cpp
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "ashlar/foundation/atomics.hpp"

namespace ashlar::testing {

/// Where an atomic operation stands in the source.
struct explored_site {
    const char* file = "";
    unsigned line = 0, column = 0;
    const char* operation = "";
    memory_order order = memory_order_relaxed;
    memory_order failure = memory_order_relaxed;  ///< of a compare-exchange

    bool same_place(const explored_site& o) const noexcept {
        return line == o.line && column == o.column && std::strcmp(file, o.file) == 0;
    }
};

constexpr const char* name_of(memory_order o) noexcept {
    switch (o) {
        case memory_order::relaxed: return "relaxed";
        case memory_order::acquire: return "acquire";
        case memory_order::release: return "release";
        case memory_order::acq_rel: return "acq_rel";
        case memory_order::seq_cst: return "seq_cst";
    }
    return "?";
}

/// One order taken for another, where an operation stands.
struct weakening {
    explored_site site;
    bool of_failure = false;
    memory_order to = memory_order_relaxed;
};

struct explore_options {
    static constexpr unsigned unbounded = ~0u;
    unsigned preemptions = unbounded;  ///< how often a thread that could go on may be interrupted; a bound tries every order
    bool every_order = false;          ///< without leaving out orders that come to the same: slow; wanted by fences everywhere
    bool sequential = false;           ///< one memory that all see alike: every order, the latest store read; races are found as ever
    std::uint64_t most_executions = 5'000'000;
    unsigned most_steps = 2'000;       ///< of one execution: one that has more does not end
    const weakening* weaken = nullptr;
    bool shorten = true;               ///< looks for a simpler execution that fails
    std::string replay;                ///< the one execution of this name
};

/// One step of the execution that failed.
struct explored_step {
    unsigned thread;
    explored_site site;
    std::string what;
};

struct exploration {
    std::uint64_t executions = 0;  ///< that came to their end
    std::uint64_t cut = 0;         ///< that would have repeated another one
    unsigned longest = 0;          ///< steps
    bool complete = false;         ///< every execution within the bounds was seen, or would come to the same as one that was
    std::string failure;           ///< what was found, empty for nothing
    std::uint64_t found_after = 0;  ///< executions
    std::string name;              ///< of the execution that failed, for explore_options::replay
    std::vector<explored_step> schedule;
    std::vector<explored_site> sites;  ///< all that were passed

    bool ok() const noexcept { return failure.empty() && complete; }
    /// For people: the verdict, and the schedule that leads to what was found.
    std::string text() const {
        std::string all = failure.empty() ? (complete ? "no failure in " : "no failure, but not all was seen, in ") : failure + "\n  after ";
        all += std::to_string(failure.empty() ? executions : found_after) + " executions\n";
        for (const explored_step& s : schedule) {
            const char* const slash = std::strrchr(s.site.file, '/');
            all += "  thread " + std::to_string(s.thread) + "  " + s.what;
            if (s.site.line != 0) {
                all += std::string("  at ") + (slash != nullptr ? slash + 1 : s.site.file) + ":" + std::to_string(s.site.line);
            }
            all += "\n";
        }
        if (!name.empty()) all += "  this execution is called " + name + "\n";
        return all;
    }
};

}  // namespace ashlar::testing
