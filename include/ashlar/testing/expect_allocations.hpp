// ashlar/testing/expect_allocations.hpp - a scope that allocates just so often: for the tests of your own program.
//
// Layer:      testing
// Complexity: a counter of the thread; an addition an allocation.
// Failure:    another number is told to the handler; by default it breaks a contract.
// Threads:    a scope counts what its own thread allocates.
// Checked by: tests/testing/expect_allocations_test.cpp
//
//   ASHLAR_EXPECT_ALLOCATIONS(1) { numbers.reserve(100); }             // of operator new
//   ASHLAR_EXPECT_ALLOCATIONS_OF(heap, 0) { numbers.push_back(1); }    // of a tracked<A, total_blocks>
// A handler says it in the words of your test framework: README.md beside this file shows one. Without, the program stops
// and says nothing, for nothing in the headers prints.
// For the first form one source file of the program defines ASHLAR_DEFINE_COUNTING_NEW before it includes this header:
// it replaces operator new and delete. Without it the program does not link. What the compiler leaves out is not counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/compose/block_report.hpp"
#include "ashlar/compose/counters.hpp"

namespace ashlar::testing {

/// How many blocks operator new has granted to this thread. Defined where ASHLAR_DEFINE_COUNTING_NEW is.
std::size_t& counted_allocations() noexcept;

/// A scope that did not allocate as often as it should.
struct allocation_surprise {
    std::size_t expected;
    std::size_t counted;
    const char* file;
    std::uint32_t line;
};

/// May throw, as test frameworks do.
using allocation_handler = void (*)(const allocation_surprise&);

namespace detail {
inline allocation_handler current_allocation_handler = nullptr;
}

/// Set before the threads that use it start. @returns the handler that was set before, null for the default
inline allocation_handler set_allocation_handler(allocation_handler handler) noexcept {
    allocation_handler before = detail::current_allocation_handler;
    detail::current_allocation_handler = handler;
    return before;
}

/// The scope: entered once; judged when it has come to its end (not where it is left by return, break or throw).
template <class Count>
class allocation_scope {
public:
    allocation_scope(Count count, std::size_t expected, const char* file, std::uint32_t line)
        : count_(count), expected_(expected), file_(file), line_(line), before_(count()) {}

    bool enter() {
        if (!entered_) return entered_ = true;
        const auto counted = static_cast<std::size_t>(count_() - before_);
        if (counted != expected_) tell(counted);
        return false;
    }

private:
    void tell(std::size_t counted) const {
        if (detail::current_allocation_handler != nullptr) {
            return detail::current_allocation_handler({expected_, counted, file_, line_});
        }
        (block_report() << "expected " << expected_ << " allocations, counted " << counted).stop(file_, line_);
    }

    Count count_;
    std::size_t expected_;
    const char* file_;
    std::uint32_t line_;
    std::uint64_t before_;
    bool entered_ = false;
};

}  // namespace ashlar::testing

#define ASHLAR_EXPECT_COUNT_(count, n) \
    for (::ashlar::testing::allocation_scope ashlar_scope_(count, n, __FILE__, __LINE__); ashlar_scope_.enter();)
#define ASHLAR_EXPECT_ALLOCATIONS(n) \
    ASHLAR_EXPECT_COUNT_([]() -> std::uint64_t { return ::ashlar::testing::counted_allocations(); }, n)
#define ASHLAR_EXPECT_ALLOCATIONS_OF(tracked, n) \
    ASHLAR_EXPECT_COUNT_([&]() -> std::uint64_t { return (tracked).template counter<::ashlar::total_blocks>().value; }, n)

#if defined(ASHLAR_DEFINE_COUNTING_NEW)
#include <cstdlib>
#include <new>

namespace ashlar::testing {
std::size_t& counted_allocations() noexcept {
    static thread_local std::size_t count = 0;
    return count;
}
namespace detail {
inline void* counted_new(std::size_t size, std::size_t align) noexcept {
    void* p = nullptr;
    if (posix_memalign(&p, align < sizeof(void*) ? sizeof(void*) : align, size == 0 ? 1 : size) != 0) return nullptr;
    ++counted_allocations();
    return p;
}
inline void* counted_new_or_throw(std::size_t size, std::size_t align) {
    for (;;) {
        if (void* const p = counted_new(size, align)) return p;
        const std::new_handler more = std::get_new_handler();
        if (more == nullptr) throw std::bad_alloc();
        more();
    }
}
}  // namespace detail
}  // namespace ashlar::testing

// Every form, for a sanitizer has its own of those that are left out. Not inlined: a compiler that sees malloc behind new
// and free behind delete warns of the mismatch. The macros are the four shapes of each, and end with this file.
#define ASHLAR_COUNTED_NEW_(form)                                                                              \
    [[gnu::noinline]] void* operator form(std::size_t n) {                                                     \
        return ashlar::testing::detail::counted_new_or_throw(n, alignof(std::max_align_t));                    \
    }                                                                                                          \
    [[gnu::noinline]] void* operator form(std::size_t n, std::align_val_t a) {                                 \
        return ashlar::testing::detail::counted_new_or_throw(n, static_cast<std::size_t>(a));                  \
    }                                                                                                          \
    [[gnu::noinline]] void* operator form(std::size_t n, const std::nothrow_t&) noexcept {                     \
        return ashlar::testing::detail::counted_new(n, alignof(std::max_align_t));                             \
    }                                                                                                          \
    [[gnu::noinline]] void* operator form(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { \
        return ashlar::testing::detail::counted_new(n, static_cast<std::size_t>(a));                           \
    }
#define ASHLAR_COUNTED_DELETE_(form, ...) \
    [[gnu::noinline]] void operator form(void* p __VA_OPT__(, ) __VA_ARGS__) noexcept { std::free(p); }
ASHLAR_COUNTED_NEW_(new)
ASHLAR_COUNTED_NEW_(new[])
ASHLAR_COUNTED_DELETE_(delete)
ASHLAR_COUNTED_DELETE_(delete, std::size_t)
ASHLAR_COUNTED_DELETE_(delete, std::align_val_t)
ASHLAR_COUNTED_DELETE_(delete, std::size_t, std::align_val_t)
ASHLAR_COUNTED_DELETE_(delete, const std::nothrow_t&)
ASHLAR_COUNTED_DELETE_(delete, std::align_val_t, const std::nothrow_t&)
ASHLAR_COUNTED_DELETE_(delete[])
ASHLAR_COUNTED_DELETE_(delete[], std::size_t)
ASHLAR_COUNTED_DELETE_(delete[], std::align_val_t)
ASHLAR_COUNTED_DELETE_(delete[], std::size_t, std::align_val_t)
ASHLAR_COUNTED_DELETE_(delete[], const std::nothrow_t&)
ASHLAR_COUNTED_DELETE_(delete[], std::align_val_t, const std::nothrow_t&)
#undef ASHLAR_COUNTED_NEW_
#undef ASHLAR_COUNTED_DELETE_
#endif
