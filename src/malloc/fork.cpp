// ashlar/src/malloc/fork.cpp - the malloc in a process that forks.
//
// Layer:      malloc
// Source:     POSIX pthread_atfork, by which process.cpp has these called.
// Complexity: a fork waits until no thread is in a slow path; the child looks at every heap.
// Failure:    as fork_gate.hpp and heap_fork.hpp.
// Threads:    any.
// Checked by: tests/malloc/program/lifecycle.cpp, tests/malloc/faults/forks.cpp
#include "background.hpp"
#include "process.hpp"

namespace ashlar::malloc {
namespace {

process_heap* own_heap_or_null() noexcept { return own_heap == &no_heap ? nullptr : own_heap; }

/// Calls of before_fork that were not answered yet: they may come twice (watch_threads), and count once.
[[gnu::tls_model("initial-exec")]] constinit thread_local int own_forks = 0;

}  // namespace

void before_fork() noexcept {
    if (own_forks++ == 0) the_registry.before_fork(the_store, own_heap_or_null());
}
void after_fork_in_parent() noexcept {
    if (--own_forks == 0) the_registry.after_fork_in_parent(the_store);
}
void after_fork_in_child() noexcept {
    if (--own_forks != 0) return;
    the_shared_heaps.forget_lock();
    forget_profile_lock();
    the_registry.after_fork_in_child(the_store, own_heap_or_null());
    start_background();
}

}  // namespace ashlar::malloc
