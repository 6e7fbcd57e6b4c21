// ashlar/testing/explored_races.hpp - plain words under the explorer: who read and wrote each last, and who knows of it.
//
// Layer:      testing
// Source:     Flanagan, Freund, "FastTrack: efficient and precise dynamic race detection", PLDI 2009.
// Complexity: a look into a table, and a comparison of times for each thread.
// Failure:    a data race is told by a sentence; more than most_words words are not watched any more.
// Threads:    one; the threads it speaks of are the explorer's.
// Invariants: explored_races.I1  two accesses of which one writes are ordered by happens-before, or reported
// Checked by: tests/testing/explored_races_test.cpp, tests/testing/explore_test.cpp
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "ashlar/testing/explored_memory.hpp"

namespace ashlar::testing {

class explored_races {
public:
    static constexpr unsigned unknown = ~0u;
    static constexpr std::size_t most_words = 768;

    void begin() noexcept {
        used_ = 0;
        if (++generation_ == 0) table_.assign(table_.size(), {});
        if (generation_ == 0) generation_ = 1;
    }
    /// @returns null, or what is wrong
    const char* read(const explored_memory& m, unsigned thread, const void* address) noexcept {
        word& w = find(address);
        w.read_at[thread] = m.time_of(thread);
        return knows_write(m, thread, w) ? nullptr : "a plain word is read, and another thread's write is not ordered before or after";
    }
    const char* write(const explored_memory& m, unsigned thread, const void* address) noexcept {
        word& w = find(address);
        const bool knows = knows_write(m, thread, w);
        w.written_by = thread;
        w.written_at = m.time_of(thread);
        if (!knows) return "a plain word is written twice, and neither thread's write is ordered before the other";
        for (unsigned t = 0; t < most_threads; ++t) {
            if (t != thread && !m.happened(thread, t, w.read_at[t])) return "a plain word is written, and another thread's read is not ordered before or after";
        }
        return nullptr;
    }
    /// An atomic word begins here: whoever uses it must know that.
    void construct(const explored_memory& m, unsigned thread, const void* address) noexcept {
        word& w = find(address);
        w.written_by = thread;
        w.written_at = m.time_of(thread);
        w.place = unknown;
    }
    std::pair<unsigned, std::uint32_t> birth(const void* address) noexcept {
        const word& w = find(address);
        return {w.written_by, w.written_at};
    }
    /// The number of an atomic word; unknown at first.
    unsigned& place(const void* address) noexcept { return find(address).place; }

private:
    struct word {
        unsigned place, written_by;
        std::uint32_t written_at;
        std::array<std::uint32_t, most_threads> read_at;
    };
    struct slot {
        const void* address = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t index = 0;
    };

    static bool knows_write(const explored_memory& m, unsigned thread, const word& w) noexcept {
        return w.written_at == 0 || m.happened(thread, w.written_by, w.written_at);
    }
    word& find(const void* address) noexcept {
        const auto bits = reinterpret_cast<std::uintptr_t>(address);
        for (std::size_t i = (bits ^ bits >> 9) * 0x9e3779b1u >> 7;; ++i) {
            slot& s = table_[i % table_.size()];
            if (s.generation == generation_ && s.address == address) return words_[s.index];
            if (s.generation == generation_) continue;
            if (used_ == most_words) return spare_ = {unknown, 0, 0, {}};
            s = {address, generation_, used_};
            return words_[used_++] = {unknown, 0, 0, {}};
        }
    }

    std::vector<slot> table_ = std::vector<slot>(2 * most_words);
    std::vector<word> words_ = std::vector<word>(most_words);
    word spare_{};
    std::uint32_t generation_ = 0, used_ = 0;
};

}  // namespace ashlar::testing
