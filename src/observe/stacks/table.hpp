// src/observe/stacks/table.hpp - how deep threads went, as it is told: those that went deepest, and a sum of the rest.
//
// Layer:      observe
// Complexity: add: O(1) for the first thousand, O(thousand) from then on. 72 bytes a thread of static memory, never more.
// Failure:    none; what cannot be written is dropped.
// Threads:    one at a time: who calls holds a lock.
// Checked by: tests/tool/run_test.py
#pragma once

#include <cstddef>

namespace ashlar::stacks {

struct stack_use {
    char name[16];  ///< of the thread, as the kernel knows it
    long thread;    ///< its id there
    std::size_t size, peak;
    bool ended;     ///< before it was told
};

class table {
public:
    void clear() noexcept { *this = table(); }
    void add(const stack_use& one) noexcept;
    /// Writes it to standard error; `first` comes first if it is not null. May be called once.
    void print_text(const stack_use* first) noexcept;
    void print_json(const stack_use* first) noexcept;

    std::size_t unseen = 0;  ///< threads for which there was no memory

private:
    static constexpr std::size_t most = 1000;
    void sort() noexcept;
    stack_use deepest_[most] = {};
    std::size_t count_ = 0, rest_ = 0, peak_of_rest_ = 0;
};

}  // namespace ashlar::stacks
