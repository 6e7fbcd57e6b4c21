// ashlar/os/stack_pool.hpp - stacks of one size for coroutines and threads, each with a guard below it, kept for the next.
//
// Layer:      os
// Picture:    [ guard | low . . . . . . . . . . high | record ]     a reservation each; the record makes the stack known
// Complexity: take and give_back O(1) by way of what is kept; three system calls to make one, one to end one. 64 bytes of each
//             stack are the record's.
// Failure:    take refuses where there is no memory, and for sizes beyond the address space; nothing is changed then.
// Threads:    one at a time. What was taken may be run on by any thread.
// Invariants: stack_pool.I1  every stack that exists is known (foreign_stack.hpp) and has its guard
//             stack_pool.I2  at most `keep` stacks are kept that nobody uses
// Checked by: tests/os/stack_pool_test.cpp
//
// An overflow of such a stack is told by its name, in a thread that has an overflow_watch. A stack that is used again is as the
// last user left it: os::restart_stack_peak() begins its peak anew. For pthread_attr_setstack give both words of the block, and
// take it back once the thread was joined.
#pragma once

#include <cstddef>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/os/foreign_stack.hpp"
#include "ashlar/os/page_source.hpp"

namespace ashlar::os {

struct stack_shape {
    std::size_t size = 64 << 10;       ///< bytes that may be used, at least
    std::size_t guard = 1;             ///< bytes below that fault, at least: more than the largest frame
    std::size_t keep = 64;             ///< how many are kept that nobody uses
    const char* name = "coroutine";    ///< @pre lives as long as the pool
};

template <page_source Pages = system_pages>
class stack_pool {
public:
    explicit stack_pool(const stack_shape& shape = {}, ref<Pages> pages = {}) noexcept
        requires stateless<Pages>
        : stack_pool(pages, shape) {}
    explicit stack_pool(ref<Pages> pages, const stack_shape& shape = {}) noexcept : shape_(shape), pages_(pages) {
        const std::size_t page = pages_->page_size(), most = static_cast<std::size_t>(-1) / 4;
        if (shape.size > most || shape.guard > most) return;  // take refuses then
        guard_ = align_up(shape.guard, page);
        total_ = guard_ + align_up(shape.size + sizeof(record), page);
    }
    /// @pre every stack was given back
    ~stack_pool() {
        ASHLAR_PRE(in_use_ == 0);
        trim();
    }
    stack_pool(const stack_pool&) = delete;
    stack_pool& operator=(const stack_pool&) = delete;

    /// A stack, aligned to 16 at both ends: data is its lowest byte, end() what a stack pointer begins with.
    result<block> take() noexcept {
        record* r = spare_;
        if (r == nullptr) [[unlikely]] {
            r = make();
            if (r == nullptr) return alloc_error{};
        } else {
            spare_ = r->next;
            --kept_;
        }
        ++in_use_;
        return block{low_of(r), stack_size()};
    }
    /// @pre this pool gave it, and nothing runs on it any more
    void give_back(block stack) noexcept {
        ASHLAR_PRE(in_use_ != 0 && stack.size == stack_size());
        auto* const r = std::launder(reinterpret_cast<record*>(stack.end()));
        --in_use_;
        if (kept_ >= shape_.keep) [[unlikely]] return end(r);  // stack_pool.I2
        r->next = spare_;
        spare_ = r;
        ++kept_;
    }
    /// Ends what is kept for later.
    void trim() noexcept {
        while (spare_ != nullptr) {
            record* const r = spare_;
            spare_ = r->next;
            end(r);
        }
        kept_ = 0;
    }

    /// Bytes of each stack; 0 where there can be none.
    std::size_t stack_size() const noexcept { return total_ == 0 ? 0 : total_ - guard_ - sizeof(record); }
    std::size_t in_use() const noexcept { return in_use_; }
    std::size_t kept() const noexcept { return kept_; }
    /// As stack_peak and others want it.
    stack_bounds bounds_of(block stack) const noexcept { return {stack.data, stack.end(), guard_, false}; }

private:
    struct alignas(64) record {
        record(const stack_bounds& stack, const char* name) noexcept : known(stack, name) {}
        foreign_stack known;
        record* next = nullptr;
    };

    std::byte* low_of(record* r) const noexcept { return reinterpret_cast<std::byte*>(r) - stack_size(); }

    /// @returns null where there is no memory
    record* make() noexcept {
        const auto room = total_ == 0 ? result<block>(alloc_error{}) : pages_->reserve(total_, pages_->page_size());
        if (!room) return nullptr;
        std::byte* const low = room->data + guard_;
        // A guard that is advice cuts no mapping in two, of which a process may have 65,530.
        const bool ready = pages_->commit(room->data, total_) && (pages_->advise(room->data, guard_, advice::guard) ||
                                                                  pages_->protect(room->data, guard_, access::none));
        if (ready) {
            std::byte* const high = low + stack_size();
            auto* const r = ::new (static_cast<void*>(high)) record({low, high, guard_, false}, shape_.name);
            if (r->known.known()) return r;  // stack_pool.I1
            r->~record();
        }
        pages_->release(room->data, total_);
        return nullptr;
    }
    void end(record* r) noexcept {
        std::byte* const from = low_of(r) - guard_;
        r->~record();
        pages_->release(from, total_);
    }

    stack_shape shape_;
    std::size_t guard_ = 0, total_ = 0;  ///< total_: with guard and record; 0 where such a stack cannot be
    record* spare_ = nullptr;
    std::size_t kept_ = 0, in_use_ = 0;
    [[no_unique_address]] ref<Pages> pages_;
};

}  // namespace ashlar::os
