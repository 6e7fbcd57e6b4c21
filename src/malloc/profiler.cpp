// ashlar/src/malloc/profiler.cpp - the sampling heap profiler: which calls the memory comes from, at no cost to fast paths.
//
// Layer:      malloc
// Picture:    a list runs out -> sampling.hpp: the next one? -> stack noted, block from the profiler's own shared heap
//             free of such a block: not this thread's, so the slow path; its heap tells the table
// Complexity: nothing without a profile but a load where lists run out. A sample: a stack, a lock, a hash table.
// Failure:    start tells by an errno value; a sample that finds no room is an ordinary block.
// Threads:    any. Order: the gate, the shared heap's lock, this lock.
// Checked by: tests/malloc/program/profile.py
//
// Heaps that the program makes are not sampled: their blocks would not end with them.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "ashlar/malloc/malloc.h"
#include "export.hpp"
#include "pprof.hpp"
#include "process.hpp"
#include "stack.hpp"

namespace ashlar::malloc {
namespace {

constinit tiny_lock<> profile_lock;  // innermost: nothing is asked for while it is held
constinit profile_table table;
constinit process_shared_heap* own = nullptr;  // where sampled blocks are
constinit block_sampler sampler{nullptr, 0, 0};
constinit std::uint64_t started_at = 0, started_unix = 0;
constinit std::atomic<unsigned> writings{0};
constinit pid_t started_in = 0;

void note_freed(void* p) noexcept {
    const holding guard(profile_lock);
    table.freed(p);
}
void note_moved(void* from, void* to) noexcept {
    const holding guard(profile_lock);
    table.moved(from, to);
}
constexpr process_shared_heap::watcher watcher{&note_freed, &note_moved};

// Inside the gate, in the middle of malloc.
void* take_sample(std::size_t size, std::size_t align, bool zeroed) noexcept {
    std::uintptr_t frames[profile_table::deepest];
    const int saved = errno;
    const std::size_t depth = capture_stack(frames, profile_table::deepest);
    errno = saved;
    void* const p = zeroed && align <= size_class_step ? own->allocate_zeroed(size) : own->allocate_aligned(size, align);
    if (p == nullptr) return nullptr;
    if (zeroed && align > size_class_step) std::memset(p, 0, size);
    const holding guard(profile_lock);
    table.granted(p, size, frames, depth);
    return p;
}

std::uint64_t unix_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

/// Copies the rows, so that the lock is not held while they are written. @returns an errno value
int write_profile(const sink& out, bool may_wait) noexcept {
    constexpr std::size_t n = profile_table::most_rows;
    if (started_at == 0) return EINVAL;
    auto* const rows = static_cast<profile_table::row*>(profile_table::map(n * sizeof(profile_table::row)));
    if (rows == nullptr) return ENOMEM;
    profile_view view{rows, 0, nullptr, 0, static_cast<std::uint64_t>(sampler.mean), started_unix, os::now_ns() - started_at};
    bool taken = may_wait;
    may_wait ? profile_lock.lock() : void(taken = profile_lock.try_lock());
    if (taken) {
        table.for_each_row([&](const profile_table::row& r, const std::uintptr_t*) { rows[view.row_count++] = r; });
        view.frames = table.frames();
        view.frame_count = table.frame_count();
        profile_lock.unlock();
    }
    const bool whole = taken && write_pprof(view, out);
    os::release(reinterpret_cast<std::byte*>(rows), n * sizeof(profile_table::row));
    return whole ? 0 : taken ? ENOMEM : EBUSY;
}

/// A file that is written by system calls alone: this may be in a signal handler.
struct file {
    long descriptor;
    int error = 0;
};
void write_to_file(void* to, const char* text, std::size_t length) {
    auto& f = *static_cast<file*>(to);
    while (length != 0 && f.error == 0) {
        const long n = syscall(SYS_write, f.descriptor, text, length);
        if (n < 0 && errno != EINTR) f.error = errno;
        if (n <= 0) continue;
        text += n;
        length -= static_cast<std::size_t>(n);
    }
}
int dump(const char* path, bool may_wait) noexcept {
    const int saved = errno;
    file f{syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    int error = f.descriptor < 0 ? errno : 0;
    if (error == 0) {
        error = write_profile({&write_to_file, &f}, may_wait);
        if (error == 0) error = f.error;
        syscall(SYS_close, f.descriptor);
    }
    errno = saved;
    return error;
}

/// The path of the options, with the process's number for %p, and with a number behind it for those before the last.
struct name {
    char text[setting_text::longest + 48];
    bool whose = false;

    explicit name(unsigned number) noexcept {
        char* to = text;
        const auto add = [&to](std::uint64_t n) {
            char digits[20];
            std::size_t k = 0;
            do digits[k++] = static_cast<char>('0' + n % 10);
            while ((n /= 10) != 0);
            while (k != 0) *to++ = digits[--k];
        };
        const std::string_view path = the_store.settings().profile_path.get();
        for (std::size_t i = 0; i < path.size(); ++i) {
            if (path[i] == '%' && i + 1 < path.size() && path[i + 1] == 'p' && !whose) {
                add(static_cast<std::uint64_t>(getpid()));
                whose = true;
                ++i;
            } else {
                *to++ = path[i];
            }
        }
        if (number != 0) {
            *to++ = '.';
            add(number);
        }
        *to = '\0';
    }
};

void at_exit() {
    const name path(0);
    if (getpid() != started_in && !path.whose) return;  // a child does not write over what its parent will write
    if (const int error = dump(path.text, true); error != 0) {
        line("ashlar: ", static_cast<const char*>(path.text), ": the profile cannot be written (errno ",
             static_cast<std::uint64_t>(error), ")").print();
    }
}
void on_signal(int) { dump(name(writings.fetch_add(1, std::memory_order_relaxed) + 1).text, false); }

int start(std::size_t mean) noexcept {
    if (mean == 0) return EINVAL;
    be_ready();
    if (!prepare_stacks()) return ENOSYS;
    static constinit tiny_lock<> one_at_a_time;
    const holding guard(one_at_a_time);
    if (the_store.sampler() != nullptr) return EBUSY;
    {
        const holding inner(profile_lock);
        if (!table.prepare()) return ENOMEM;
    }
    if (own == nullptr) {
        as_visitor([] { own = the_shared_heaps.make(the_store, the_registry); });
        if (own == nullptr) return ENOMEM;
        own->watch(watcher);
    }
    if (started_at == 0) {
        started_at = os::now_ns();
        started_unix = unix_ns();
        started_in = getpid();
        sampler = {&take_sample, static_cast<double>(mean), 1};
    } else if (sampler.mean != static_cast<double>(mean)) {
        return EINVAL;  // what is scaled by one number cannot be added to what is scaled by another
    } else {
        ++sampler.epoch;
    }
    the_store.set_sampler(&sampler);
    return 0;
}

/// Runs when the library has been loaded: the unwinder is a library too, which malloc must not load by itself.
[[gnu::constructor]] void start_if_asked() noexcept {
    settings_first();
    const options& chosen = the_store.settings();
    if (chosen.profile_sample_bytes == 0) return;
    if (start(chosen.profile_sample_bytes.bytes()) != 0) return line("ashlar: no heap profile: there is no unwinder").print();
    if (chosen.profile_path.get().empty()) return;
    atexit(&at_exit);
    if (chosen.profile_signal == 0) return;
    struct sigaction action {};
    action.sa_handler = &on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(static_cast<int>(chosen.profile_signal), &action, nullptr);
}

}  // namespace

void forget_profile_lock() noexcept { profile_lock.unlock(); }

}  // namespace ashlar::malloc

namespace core = ashlar::malloc;

extern "C" {

ASHLAR_EXPORT int ashlar_profile_start(size_t sample_bytes) { return core::start(sample_bytes); }
ASHLAR_EXPORT void ashlar_profile_stop(void) { core::the_store.set_sampler(nullptr); }
ASHLAR_EXPORT int ashlar_profile_dump(const char* path) { return core::dump(path, true); }
ASHLAR_EXPORT int ashlar_profile_write(ashlar_writer write, void* to) { return core::write_profile({write, to}, true); }

}  // extern "C"
