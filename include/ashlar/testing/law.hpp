// ashlar/testing/law.hpp - the laws by name, and the account of how each was kept.
//
// Layer:      testing
// Source:     docs/semantics.md, C1 to C8.
// Complexity: an array entry a law; a string only where a law was broken.
// Failure:    a broken law is recorded, never thrown: the kit reports by value.
// Threads:    plain values.
// Checked by: tests/testing/law_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::testing {

enum class law : std::uint8_t {
    exclusivity,
    frame,
    conservation,
    completeness,
    rejection,
    strong_failure,
    reversibility,
    independence,
    growth,
    shrinking,
    reallocation,
    zeroing,
    ownership,
    reset,
    contracts,
};
inline constexpr std::size_t law_count = 15;

struct law_text {
    std::string_view key;
    std::string_view name;
    std::string_view sentence;
};

inline constexpr std::array<law_text, law_count> law_texts{{
    {"C1", "exclusivity", "a grant is aligned, lies in the managed memory and is disjoint from every live block"},
    {"C2", "frame", "no operation changes a byte of another live block or of memory that is not the allocator's"},
    {"C3", "conservation", "what is free and what is live are disjoint parts of what is managed, and nothing is lost"},
    {"C4", "completeness", "a request is granted if and only if it is available"},
    {"C5", "rejection", "giving back what is not the start of a live block has no effect but the report"},
    {"C6", "strong failure", "an operation that is refused changes nothing that can be observed"},
    {"C7", "reversibility", "to allocate and to give back restores what is free; with nothing live (and trimmed) all is as at first"},
    {"C8", "independence", "the same requests have the same results wherever the memory lies"},
    {"A1", "growth", "a block grown in place stays where it is, keeps its bytes and meets no other block"},
    {"A2", "shrinking", "a block shrunk in place stays where it is and keeps the bytes that are left"},
    {"A3", "reallocation", "a reallocated block keeps its live bytes; refused, the old block is as it was"},
    {"A4", "zeroing", "a block asked for zeroed is zero in every byte that was asked for"},
    {"A5", "ownership", "every byte of a live block is owned, and no byte of anyone else's"},
    {"A6", "reset", "after a reset nothing is live and whatever fitted at first fits again"},
    {"A7", "contracts", "used as it should be, it breaks no contract of its own"},
}};

constexpr const law_text& text_of(law l) noexcept { return law_texts[static_cast<std::size_t>(l)]; }

enum class verdict : std::uint8_t {
    held,         ///< checked, and never broken
    broken,       ///< see the violation
    excused,      ///< the allocator's documents say it does not keep this law, and why
    not_implied,  ///< it offers none of the abilities that the law speaks of
};

/// A law that was broken: how, and by which operations.
struct violation {
    law broken;
    std::string what;    ///< what was seen, in one sentence
    std::string script;  ///< the shortest list of operations found that shows it, one a line
};

/// How often each law was checked, and the first way in which each was broken.
class ledger {
public:
    /// Records one check of l. `describe()` tells what was seen where it did not hold. @returns holds
    template <class Describe>
    bool check(law l, bool holds, Describe describe) {
        ++checks_[static_cast<std::size_t>(l)];
        if (!holds) record(l, describe());
        return holds;
    }
    bool check(law l, bool holds, const char* what) {
        return check(l, holds, [&] { return std::string(what); });
    }
    /// Laws recorded as excused are counted but cannot be broken.
    void excuse(law l) { excused_[static_cast<std::size_t>(l)] = true; }

    void add(const ledger& other) {
        for (std::size_t i = 0; i < law_count; ++i) checks_[i] += other.checks_[i];
        for (const violation& v : other.violations_) {
            if (!broke(v.broken)) violations_.push_back(v);
        }
    }

    std::size_t checks(law l) const { return checks_[static_cast<std::size_t>(l)]; }
    bool broke(law l) const {
        for (const violation& v : violations_) {
            if (v.broken == l) return true;
        }
        return false;
    }
    bool clean() const { return violations_.empty(); }
    const std::vector<violation>& violations() const& { return violations_; }
    std::vector<violation>& violations() & { return violations_; }
    void violations() && = delete;  // it would dangle in a range-for

private:
    void record(law l, std::string what) {
        if (!excused_[static_cast<std::size_t>(l)] && !broke(l)) violations_.push_back({l, std::move(what), {}});
    }

    std::array<std::size_t, law_count> checks_{};
    std::array<bool, law_count> excused_{};
    std::vector<violation> violations_;
};

}  // namespace ashlar::testing
