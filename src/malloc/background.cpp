// ashlar/src/malloc/background.cpp - a thread that gives free memory back while the program does not call malloc.
//
// Layer:      malloc
// Complexity: as background.hpp.
// Failure:    as background.hpp.
// Threads:    as background.hpp. Whoever frees rings the bell with sem_post, which takes no lock.
// Checked by: tests/malloc/program/background.cpp
#include "background.hpp"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

#include "process.hpp"

namespace ashlar::malloc {
namespace {

sem_t bell;

void ring() { sem_post(&bell); }

void nap() noexcept {
    const std::int64_t half = the_store.settings().purge_delay_ms.get() / 2;
    const std::int64_t ms = half < 10 ? 10 : half;
    const timespec length{ms / 1000, ms % 1000 * 1'000'000};
    nanosleep(&length, nullptr);
}

void* keep_house(void*) {
    for (;;) {
        the_store.call_when_dirty(&ring);
        if (!the_store.has_dirty()) sem_wait(&bell);
        the_store.call_when_dirty(nullptr);
        for (int i = 0; i < 4 || the_store.has_dirty(); ++i) {
            nap();
            the_registry.gate().enter_as_guest();  // a fork waits until no purge is under way
            the_registry.take_from_sleepers(nullptr, false);
            the_store.tick();
            the_registry.gate().leave_as_guest();
        }
    }
}

}  // namespace

void start_background() noexcept {
    settings_first();
    const options& chosen = the_store.settings();
    if (chosen.background_purge == 0 || chosen.purge_delay_ms.get() <= 0) return;
    watch_threads();
    the_store.call_when_dirty(nullptr);
    sem_init(&bell, 0, 0);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 128 * 1024);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // the program's signals are for the program's threads
    pthread_t thread;
    if (pthread_create(&thread, &attributes, &keep_house, nullptr) == 0) pthread_setname_np(thread, "ashlar-purge");
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
}

namespace {
[[gnu::constructor]] void start() { start_background(); }
}  // namespace

bool trim() noexcept {
    bool any = false;
    as_visitor([&any] {
        if (own_heap != &no_heap) own_heap->settle();
        the_registry.ask_all_to_trim();
        the_registry.take_from_sleepers(own_heap, true);
        the_shared_heaps.settle();
        any = the_store.trim() != 0;
    });
    return any;
}

}  // namespace ashlar::malloc
