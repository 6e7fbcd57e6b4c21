// bench/p0089/experiments.hpp - the four experiments of the paper, scaled to a desk: each does its work and says nothing.
//
// Source: Lakos, Mendelsohn, Meredith, Myers, "On Quantifying Memory-Allocation Strategies", P0089R1, 2016: growth of one
// container (I), access locality after churn (II), reuse of memory given back (III), contention of threads (IV).
#pragma once

#include <cstdint>
#include <list>
#include <memory_resource>
#include <new>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "memories.hpp"

namespace p0089 {

struct random {
    std::uint64_t state = 88172645463325252u;
    std::uint64_t next() {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return state;
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
};
inline void touch(void* p) { *static_cast<volatile char*>(p) = 1; }

// ---- I: growth --------------------------------------------------------------------------------------------

constexpr const char* long_text = "a text that no string holds within itself, as in the paper";

struct vector_of_int {
    static constexpr const char* name = "vector<int>";
    using type = std::pmr::vector<int>;
    static void fill(type& c, std::size_t n) { for (std::size_t i = 0; i < n; ++i) c.push_back(static_cast<int>(i)); }
};
struct vector_of_string {
    static constexpr const char* name = "vector<string>";
    using type = std::pmr::vector<std::pmr::string>;
    static void fill(type& c, std::size_t n) { for (std::size_t i = 0; i < n; ++i) c.emplace_back(long_text, 30 + i % 28); }
};
struct set_of_int {
    static constexpr const char* name = "unordered_set<int>";
    using type = std::pmr::unordered_set<int>;
    static void fill(type& c, std::size_t n) { for (std::size_t i = 0; i < n; ++i) c.insert(static_cast<int>(i * 7919)); }
};
struct set_of_string {
    static constexpr const char* name = "unordered_set<string>";
    using type = std::pmr::unordered_set<std::pmr::string>;
    static void fill(type& c, std::size_t n) {
        std::pmr::string s(long_text, c.get_allocator());
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t d = 0, v = i; d < 5; ++d, v /= 26) s[d] = static_cast<char>('a' + v % 26);
            c.insert(s);
        }
    }
};
struct set_of_sets {
    static constexpr const char* name = "unordered_set per vector slot";
    using type = std::pmr::vector<std::pmr::unordered_set<int>>;
    static void fill(type& c, std::size_t n) {
        for (std::size_t i = 0; i < n / 16 + 1; ++i) {
            auto& inner = c.emplace_back();
            for (int k = 0; k < 16; ++k) inner.insert(k * 31);
        }
    }
};

/// Containers of `size` elements, made and ended one after another, each with a memory of its own; `drop`: the
/// container is not destroyed, its memory is.
template <class Memory, class Shape>
void grow(std::size_t size, std::size_t elements, bool drop) {
    using container = typename Shape::type;
    for (std::size_t done = 0; done < elements; done += size) {
        Memory memory;
        if (drop) {
            std::pmr::polymorphic_allocator<> of(memory.resource());
            Shape::fill(*of.new_object<container>(), size);
        } else {
            container c(memory.resource());
            Shape::fill(c, size);
        }
    }
}

// ---- II: locality -----------------------------------------------------------------------------------------

/// `systems` lists, each with a memory of its own, of `nodes` in all. They are filled in turns, then `churn` times
/// every list gives its front away to the back of a random other; at last each is walked `walks` times in a row.
template <class Memory>
std::uint64_t walk_lists(std::size_t systems, std::size_t nodes, int churn, int walks) {
    struct subsystem {
        Memory memory{};
        std::pmr::list<std::uint64_t> all{memory.resource()};
    };
    std::vector<subsystem> lists(systems);
    for (std::size_t i = 0; i < nodes; ++i) lists[i % systems].all.push_back(i);
    random dice;
    for (std::size_t i = 0; i < static_cast<std::size_t>(churn) * nodes; ++i) {
        auto& from = lists[dice.below(systems)].all;
        if (from.empty()) continue;
        const auto value = from.front();
        from.pop_front();
        lists[dice.below(systems)].all.push_back(value);
    }
    std::uint64_t sum = 0;
    for (const auto& s : lists) {
        for (int w = 0; w < walks; ++w) {
            for (const auto value : s.all) sum += value;
        }
    }
    return sum;
}

// ---- III: utilisation ---------------------------------------------------------------------------------------

/// Blocks of `size` until `total` bytes were taken, of which at most `active` are held: beyond that a random one is given
/// back for each that is taken.
template <class Memory>
void turn_over(std::size_t total, std::size_t active, std::size_t size) {
    Memory memory;
    auto* const from = memory.resource();
    std::vector<void*> held(active / size);
    std::size_t taken = 0;
    random dice;
    for (auto& p : held) touch(p = from->allocate(size, 8)), taken += size;
    for (; taken < total; taken += size) {
        auto& p = held[dice.below(held.size())];
        from->deallocate(p, size, 8);
        touch(p = from->allocate(size, 8));
    }
    for (auto* p : held) from->deallocate(p, size, 8);
}

// ---- IV: contention -----------------------------------------------------------------------------------------

/// As many threads, each with a memory of its own: a block of `size` is taken, written and given back, 64 at a time.
template <class Memory>
void contend(std::size_t threads, std::size_t blocks, std::size_t size) {
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t) {
        all.emplace_back([=] {
            Memory memory;
            void* held[64];
            for (std::size_t i = 0; i < blocks; i += 64) {
                for (auto& p : held) touch(p = memory.resource()->allocate(size, 8));
                for (auto* p : held) memory.resource()->deallocate(p, size, 8);
            }
        });
    }
    for (auto& t : all) t.join();
}

}  // namespace p0089
