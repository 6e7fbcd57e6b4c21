// ashlar/src/malloc/process.hpp - the malloc of this process: one store, one registry, a heap for each thread.
//
// Layer:      malloc
// Complexity: as heap.hpp; own_heap is one read relative to the thread pointer.
// Failure:    allocations refuse with null; errno is the caller's business (override_libc.cpp).
// Threads:    any, from before the first constructor until after the last TLS destructor.
// Invariants: process.I1  own_heap is &no_heap, or a heap that is attached to this thread; own_fast is the same heap where
//                         its blocks are what this library's fast paths deal in (fast_path.hpp), else &no_heap
//             process.I2  own_id is the number of own_fast
// Checked by: tests/malloc/program/
#pragma once

#include "ashlar/malloc/heap.hpp"
#include "ashlar/malloc/site_rules.hpp"

namespace ashlar::malloc {

// How many routes for call sites this library has: none, or those of libashlar-malloc-obey.so (obey/).
#ifndef ASHLAR_ROUTES
#define ASHLAR_ROUTES 0
#endif
inline constexpr bool obeys = ASHLAR_ROUTES != 0;

using process_store = span_store<os::system_pages, std_atomics, ASHLAR_ROUTES>;
using process_heap = heap<process_store>;
using process_shared_heap = shared_heap<process_store>;

// Hidden where they are declared: the option -fvisibility=hidden is for what is defined only.
#pragma GCC visibility push(hidden)
extern process_store the_store;
extern std::uintptr_t the_key;  ///< the_store's
extern heap_registry<process_heap> the_registry;
extern shared_heaps<process_store> the_shared_heaps;
/// The heap of threads without one: it has no blocks and owns no spans, so every fast path leaves it alone.
extern process_heap no_heap;
// Initial-exec: one load, and no call that could allocate. Few words of the static TLS reserve.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local process_heap* own_heap;
[[gnu::tls_model("initial-exec")]] extern constinit thread_local process_heap* own_fast;
/// For free, which needs no more of the heap.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local std::uint32_t own_id;
#pragma GCC visibility pop

/// The second halves of the entry points, then the slow ones.
void* allocate_larger(std::size_t size) noexcept;
void free_larger(void* p, process_heap::span_type& s, const char* call) noexcept;
void free_larger(void* p, block_claim claim, process_heap::span_type& s, const char* call) noexcept;
/// The slow halves: they attach a heap where there is none.
void* allocate_slowly(std::size_t size) noexcept;
void* allocate_zeroed(std::size_t size) noexcept;
void* allocate_aligned(std::size_t size, std::size_t align) noexcept;
void* reallocate(void* p, std::size_t size) noexcept;
void free_slowly(void* p, const char* call) noexcept;
void free_slowly(void* p, block_claim claim, const char* call) noexcept;
std::size_t usable_size(void* p, const char* call) noexcept;
/// Gives back everything that can be (background.cpp). @returns whether anything was
bool trim() noexcept;

/// Gives this thread a heap if it can have one, and what is done once in a process has been done then.
void be_ready() noexcept;
/// From here on the ends of threads and forks are seen: before the second thread comes to any lock. A process of one thread
/// needs neither, and is spared the pages of the C library that this touches.
void watch_threads() noexcept;
/// The same, unless this is the first thread that comes.
void watch_other_thread() noexcept;
/// Calls f inside the gate (fork_gate.hpp), with or without a heap.
template <class F>
void as_visitor(F f) noexcept {
    if (own_heap != &no_heap) {
        const visit inside(the_registry.gate(), own_heap->inside());
        return f();
    }
    watch_other_thread();
    the_registry.gate().enter_as_guest();
    f();
    the_registry.gate().leave_as_guest();
}

/// Reads the settings if nobody has yet: before anything of them is looked at.
void settings_first() noexcept;
/// Reads ASHLAR_CONF and ASHLAR_OPTIONS; says on standard error what is wrong with them (settings.cpp).
options read_settings() noexcept;
/// Everything holds still while the process forks (fork.cpp).
void before_fork() noexcept;
void after_fork_in_parent() noexcept;
void after_fork_in_child() noexcept;
/// In the child of fork: whoever held the profiler's lock is not there (profiler.cpp).
void forget_profile_lock() noexcept;
/// Names the pointer and what it is on standard error, and aborts (report.cpp).
void report_and_abort(const misuse& what) noexcept;
/// Writes the summary that stats_at_exit asks for (summary.cpp).
void print_summary() noexcept;

}  // namespace ashlar::malloc
