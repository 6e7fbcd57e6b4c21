// ashlar/src/malloc/process.cpp - the malloc's life: start, threads that come and go, exit.
//
// Layer:      malloc
// Source:     POSIX pthread_key_create (destructors run again while they set values).
// Picture:    first block: settings, a heap -> a second thread: exit_key and the functions of fork.cpp are made known
// Complexity: start: a few system calls, at the first block. Attach and detach: as heap_registry.hpp.
// Failure:    allocations refuse with null.
// Threads:    any.
// Checked by: tests/malloc/program/
#include "process.hpp"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "ashlar/os/cgroup.hpp"
#include "fast_path.hpp"
#include "guard.hpp"
#include "obey/sites.hpp"

#ifdef __GLIBC__
// glibc's is linked into each library, and would lie at the far end of the code, which a small program shall not touch.
extern "C" int __register_atfork(void (*before)(), void (*in_parent)(), void (*in_child)(), void* library) noexcept;
extern "C" [[gnu::weak]] int pthread_atfork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
    return __register_atfork(before, in_parent, in_child, nullptr);
}
#endif
// Of the start-up files, without which the library is linked; what is to be done at exit is done then, never before.
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] void* __dso_handle = nullptr;
}

namespace ashlar::malloc {

constinit process_store the_store;
constinit std::uintptr_t the_key = 0;
constinit heap_registry<process_heap> the_registry;
constinit shared_heaps<process_store> the_shared_heaps;
constinit process_heap no_heap;
constinit thread_local process_heap* own_heap = &no_heap;
constinit thread_local process_heap* own_fast = &no_heap;
constinit thread_local std::uint32_t own_id = no_heap_id;

namespace {

// How often this thread's heap was detached. The C library calls destructors PTHREAD_DESTRUCTOR_ITERATIONS times at
// most; a heap attached after the last of them would never be detached.
[[gnu::tls_model("initial-exec")]] constinit thread_local unsigned own_exits = 0;
/// Frees by this thread while it had no heap. One that frees much is given one, so that its frees go in parcels.
[[gnu::tls_model("initial-exec")]] constinit thread_local unsigned own_guest_frees = 0;
constexpr unsigned most_guest_frees = 16;

constinit tiny_lock<> start_lock;
constinit std::atomic<bool> started{false};
constinit pthread_key_t exit_key = 0;
/// This thread's heap is not known to exit_key, for there was none: it is the process's first.
[[gnu::tls_model("initial-exec")]] constinit thread_local bool own_unwatched = false;

// Whether threads are watched; else the process that is about to begin it.
constexpr int not_yet = 0, watched = -1, watched_without_key = -2;
constinit std::atomic<int> watching{not_yet};
[[gnu::tls_model("initial-exec")]] constinit thread_local bool own_turn_to_watch = false;
constinit std::atomic<bool> one_attached{false};

void thread_exits(void* h) {
    own_heap = own_fast = &no_heap;
    own_id = no_heap_id;
    ++own_exits;
    the_registry.detach(*static_cast<process_heap*>(h));
}

/// @returns false when it is to be asked again
bool watch_own_exit(process_heap* h) noexcept {
    return watching.load(std::memory_order_acquire) == watched && pthread_setspecific(exit_key, h) == 0;
}

/// The program is no small one: from here on it is worth the system calls to see what it may use.
void look_at_surroundings() noexcept {
    if (const std::size_t limit = os::cgroup_memory_limit()) the_store.set_ceiling(limit);
}

/// A link that a program takes for an address is none on any machine: the kernel stops it.
std::uintptr_t new_key() noexcept {
    constexpr std::uintptr_t one = std::uintptr_t{1} << 62, zero = std::uintptr_t{1} << 61;
    return (os::random_word() | one) & ~zero;
}

/// What needs the C library, which may allocate: own_heap is set already, so it is served like anyone.
void watch_the_process() noexcept {
    os::fence_all_threads();  // registers for it while there is one thread: later that takes milliseconds
    if (the_store.settings().stats_at_exit == 0) return;
    os::keep_standard_error();
    atexit(&print_summary);
}

/// @returns a heap for this thread; null when refused, or when it could not be detached any more
process_heap* attach() noexcept {
    if (own_heap != &no_heap) {
        if (own_unwatched && watching.load(std::memory_order_relaxed) == watched) own_unwatched = !watch_own_exit(own_heap);
        return own_heap;
    }
    if (own_exits >= PTHREAD_DESTRUCTOR_ITERATIONS) return nullptr;
    settings_first();
    watch_other_thread();
    process_heap* h = the_registry.attach(the_store);
    if (h == nullptr) return nullptr;
    own_heap = h;  // process.I1
    if (deals_in_blocks_of(*h)) {
        own_fast = h;
        own_id = h->id();  // process.I2
    }
    const int saved = errno;
    if (!one_attached.exchange(true, std::memory_order_acq_rel)) watch_the_process();
    own_unwatched = !watch_own_exit(h);
    errno = saved;
    return h;
}

/// Before what a thread without a heap frees.
void be_ready_to_free() noexcept {
    if (own_heap != &no_heap) return;
    settings_first();
    if (++own_guest_frees != most_guest_frees) return;
    const int saved = errno;
    attach();
    errno = saved;
}

/// Calls f with a heap: this thread's, or one lent for the call when the thread is past its last destructor.
template <class F>
auto with_heap(F f) noexcept -> decltype(f(no_heap)) {
    if (process_heap* h = attach()) {
        const visit inside(the_registry.gate(), h->inside());
        return f(*h);
    }
    if (own_exits < PTHREAD_DESTRUCTOR_ITERATIONS) return nullptr;
    process_heap* lent = the_registry.attach(the_store);
    if (lent == nullptr) return nullptr;
    void* got = nullptr;
    {
        const visit inside(the_registry.gate(), lent->inside());
        got = f(*lent);
    }
    the_registry.detach(*lent);
    return got;
}

}  // namespace

void settings_first() noexcept {
    if (started.load(std::memory_order_acquire)) return;
    const holding guard(start_lock);
    if (started.load(std::memory_order_relaxed)) return;
    if (const auto chosen = the_store.set_handler(&report_and_abort)) the_store.set_handler(chosen);  // set before
    the_store.set_growth_handler(&look_at_surroundings);
    the_key = new_key();
    the_store.set_keys(the_key, os::random_word());
    the_store.set_guard_watcher(&process_guard_watcher);
    options chosen = read_settings();
    if (sealed && chosen.harden == 0) chosen.harden = 1;
    the_store.configure(chosen);
    if constexpr (obeys) set_routes();
    if (the_store.settings().harden == 2) watch_faults();  // blocks that have ended, pages behind spans
    started.store(true, std::memory_order_release);
}

void be_ready() noexcept { attach(); }

void watch_threads() noexcept {
    if (watching.load(std::memory_order_acquire) < 0 || own_turn_to_watch) return;  // the C library may allocate meanwhile
    const int saved = errno;
    const int me = getpid();
    for (int who = not_yet; !watching.compare_exchange_strong(who, me, std::memory_order_acq_rel);) {
        if (who < 0) return;
        // Another process: this one is its child, and the thread that began it is not here. What that thread had done
        // is done again, so fork.cpp's functions may be called twice for one fork.
        if (who == me) {
            sched_yield();
            who = not_yet;
        }
    }
    own_turn_to_watch = true;
    const bool have_key = pthread_key_create(&exit_key, &thread_exits) == 0;
    pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
    own_turn_to_watch = false;
    watching.store(have_key ? watched : watched_without_key, std::memory_order_release);
    errno = saved;
}
void watch_other_thread() noexcept {
    if (one_attached.load(std::memory_order_acquire)) watch_threads();
}

[[gnu::noinline]] void* allocate_larger(std::size_t size) noexcept {
    if (void* p = pop_second(size)) return p;
    return allocate_slowly(size);
}
namespace {
/// A small block that is not this thread's own, and whatever no fast path deals in. Apart: it needs registers.
[[gnu::noinline]] void free_other(void* p, process_heap::span_type& s, const char* call) noexcept {
    if constexpr (obeys) {
        if (own_heap->push_arena(s, the_key, p)) return;
    }
    if (push_second(s, p)) return;
    free_slowly(p, call);
}
[[gnu::noinline]] void free_other(void* p, block_claim claim, process_heap::span_type& s, const char* call) noexcept {
    if constexpr (obeys) {
        const bool fits = s.kind == span_kind::arena && claim.align <= 16 && claim.size <= process_heap::span_bytes_of(s, p);
        if (fits && own_heap->push_arena(s, the_key, p)) return;
    }
    if (push_second(s, p, claim)) return;
    free_slowly(p, claim, call);
}
}  // namespace
[[gnu::noinline]] void free_larger(void* p, process_heap::span_type& s, const char* call) noexcept {
    if (s.unit_magic == 0) return free_other(p, s, call);
    if (!own_heap->keep(the_store, the_key, s, p)) free_slowly(p, call);
}
[[gnu::noinline]] void free_larger(void* p, block_claim claim, process_heap::span_type& s, const char* call) noexcept {
    if (s.unit_magic == 0 || s.block_size - claim.size >= s.step) return free_other(p, claim, s, call);
    if (!own_heap->keep(the_store, the_key, s, p)) free_slowly(p, claim, call);
}
[[gnu::noinline]] void* allocate_slowly(std::size_t size) noexcept {
    return with_heap([size](process_heap& h) { return h.allocate(size); });
}
[[gnu::noinline]] void* allocate_zeroed(std::size_t size) noexcept {
    return with_heap([size](process_heap& h) { return h.allocate_zeroed(size); });
}
[[gnu::noinline]] void* allocate_aligned(std::size_t size, std::size_t align) noexcept {
    return with_heap([=](process_heap& h) { return h.allocate_aligned(size, align); });
}
[[gnu::noinline]] void* reallocate(void* p, std::size_t size) noexcept {
    const auto& s = *the_store.find(p);
    const std::size_t old = size <= small_class_limit ? own_heap->sealed_size(the_key, s, p) : seal::broken;
    if (old != seal::broken) {
        if (own_heap->stays_sealed(s, p, size)) return p;
        if (void* q = allocate(size)) {
            std::memcpy(q, p, size < old ? size : old);
            free(p, "realloc");
            return q;
        }
    }
    return with_heap([=](process_heap& h) { return h.reallocate(p, size); });
}

[[gnu::noinline]] void free_slowly(void* p, const char* call) noexcept {
    if (p == nullptr) return;
    be_ready_to_free();
    as_visitor([=] { process_heap::release(the_store, the_registry, own_heap, p, call); });
}
[[gnu::noinline]] void free_slowly(void* p, block_claim claim, const char* call) noexcept {
    if (p == nullptr) return;
    be_ready_to_free();
    as_visitor([=] { process_heap::release_sized(the_store, the_registry, own_heap, p, claim, call); });
}

std::size_t usable_size(void* p, const char* call) noexcept {
    settings_first();
    return process_heap::usable_size(the_store, p, call);
}

}  // namespace ashlar::malloc
