// Allocators that write down what they granted, for the tests of owners: one of each kind that an owner tells apart.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>

#include "ashlar/compose/failing.hpp"
#include "ashlar/foundation/allocator.hpp"

namespace owners {

/// Keeps the layout of every live block; a block that comes back otherwise than it was granted is counted as wrong.
class book {
public:
    ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {
        const std::lock_guard lock(mutex_);
        if (plan.next()) return ashlar::alloc_error{};
        void* const p = std::aligned_alloc(l.align(), l.padded().size());
        live_.emplace(static_cast<std::byte*>(p), l);
        ++granted;
        return ashlar::block{static_cast<std::byte*>(p), l.size()};
    }
    void deallocate(std::byte* p, ashlar::layout l) noexcept {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(p);
        if (found == live_.end() || !(found->second == l)) {
            ++wrong;
            return;
        }
        live_.erase(found);
        std::free(p);
    }
    std::size_t live() const { return live_.size(); }
    std::size_t live_bytes() const {
        std::size_t bytes = 0;
        for (const auto& [p, l] : live_) bytes += l.size();
        return bytes;
    }
    /// Nothing is live, and everything came back as it was granted.
    bool settled() const { return live_.empty() && wrong == 0; }
    void forget() {
        for (const auto& [p, l] : live_) std::free(p);
        live_.clear();
        granted = 0;
        wrong = 0;
        plan.disarm();
    }
    ~book() { forget(); }

    std::size_t granted = 0;
    std::size_t wrong = 0;
    ashlar::failure_plan plan;

private:
    std::mutex mutex_;
    std::map<std::byte*, ashlar::layout> live_;
};

/// With state: its owners keep its address.
class ledger : public book {
public:
    static constexpr bool is_thread_safe = true;
};

/// Without state, and without a book: for what is long or made in many threads.
class plain_heap {
public:
    static constexpr bool is_thread_safe = true;
    static ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {
        return ashlar::block{static_cast<std::byte*>(std::malloc(l.size())), l.size()};
    }
    static void deallocate(std::byte* p, ashlar::layout) noexcept { std::free(p); }
};

/// Without state: all of it is in one book.
class public_ledger {
public:
    static constexpr bool is_thread_safe = true;
    static book& entries() {
        static book all;
        return all;
    }
    static ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept { return entries().allocate(l); }
    static void deallocate(std::byte* p, ashlar::layout l) noexcept { entries().deallocate(p, l); }
};

/// Need not be given anything back, and counts who does so nevertheless.
class region : public book {
public:
    static constexpr bool is_thread_safe = true;
    static constexpr bool deallocate_is_optional = true;
};

/// A number that the compiler does not know: it would warn of what the refusal is there for.
inline std::size_t hidden(std::size_t n) {
    volatile std::size_t unseen = n;
    return unseen;
}

/// Counts the living, and throws from the n-th constructor when told to.
struct fragile {
    static inline int alive = 0;
    static inline int made = 0;
    static inline int throws_at = 0;  // 0: never

    explicit fragile(int v = 0) : value(v) {
        if (++made == throws_at) throw std::runtime_error("the constructor threw");
        ++alive;
    }
    fragile(const fragile& other) : fragile(other.value) {}
    ~fragile() { --alive; }

    static void start(int at = 0) { alive = 0, made = 0, throws_at = at; }

    int value;
};

}  // namespace owners
