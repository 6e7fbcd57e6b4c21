#include "recorder.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "ashlar/os/platform.hpp"
#include "start.hpp"

namespace ashlar::recorder {

thread_local constinit thread_record own;
constinit trace_file file;
constinit std::uint32_t stack_depth = 0;
constinit std::uint64_t sample_mean = not_known_yet;
constinit sampled_blocks sampled;

namespace {

/// recorder.I2 rests on this word: until memory that a fork wipes is mapped, and where the kernel has none.
constinit std::atomic<std::uint32_t> plain_epoch{epoch_unstarted};
constinit std::atomic<std::uint32_t> recordings{epoch_off};  // in this process and those it was forked from
constinit std::atomic<std::uint32_t> starter{0};             // the process in which a thread is starting the recording
constinit std::atomic<std::uint32_t> early{0};               // events before there was an environment to read
constinit bool thread_ends_are_seen = false;
constinit pthread_key_t thread_end_key{};

void child_of_fork() { plain_epoch.store(epoch_unstarted, std::memory_order_relaxed); }

void thread_ends(void* p) noexcept {
    auto& t = *static_cast<thread_record*>(p);
    // Others' destructors still allocate and free: ask to be called again until the last round.
    if (++t.destructor_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(thread_end_key, p);
        return;
    }
    if (!enter(t)) return;
    if (epoch.load(std::memory_order_acquire)->load(std::memory_order_relaxed) == t.epoch) {
        const std::uint64_t now = file.clock().ticks();
        event e;
        e.kind = event_kind::thread_end;
        write(t, e, {now, now});
        t.stream.end(file);
    }
    if (t.dropped != 0 && file.is_open()) file.count_dropped(t.dropped);
    t.dropped = 0;
    if (t.stacks != nullptr) call_stacks::destroy(t.stacks);
    t.stacks = nullptr;
    t.has_ended = true;
    leave(t);
}

void prepare_process() noexcept {
    if (epoch.load(std::memory_order_relaxed) == &plain_epoch) {
        if (std::byte* page = trace_system::map_wiped_on_fork(os::page_size())) {
            epoch.store(new (page) std::atomic<std::uint32_t>(epoch_unstarted), std::memory_order_release);
        } else {
            pthread_atfork(nullptr, nullptr, child_of_fork);  // forks past the C library are not seen
        }
    }
    if (!thread_ends_are_seen) thread_ends_are_seen = pthread_key_create(&thread_end_key, thread_ends) == 0;
}

/// @returns whether the epoch word now says how it stands. One thread does the work, the others wait for it.
bool start() noexcept {
    const std::uint32_t process = trace_system::process();
    std::uint32_t holder = 0;
    while (!starter.compare_exchange_strong(holder, process, std::memory_order_acquire)) {
        // A fork's child inherits the mark of a starting thread that it does not have.
        if (holder != process && starter.compare_exchange_strong(holder, process, std::memory_order_acquire)) break;
        trace_system::yield();
        if (epoch.load(std::memory_order_acquire)->load(std::memory_order_acquire) != epoch_unstarted) return true;
        holder = 0;
    }
    const std::uint32_t seen = epoch.load(std::memory_order_relaxed)->load(std::memory_order_relaxed);
    if (seen == epoch_unstarted) {
        prepare_process();
        const bool forked = recordings.load(std::memory_order_relaxed) != epoch_off;
        const start_result r = open_trace(file, forked);
        if (r == start_result::too_early) {
            starter.store(0, std::memory_order_release);
            return false;
        }
        const std::uint32_t number =
            r == start_result::off ? epoch_off : recordings.fetch_add(1, std::memory_order_relaxed) + 1;
        sample_mean = r == start_result::on ? wanted_sample_mean() : 0;
        if (r == start_result::on) {
            if (sample_mean != 0) sampled.clear();
            stack_depth = wanted_stack_depth();
            if (stack_depth != 0) prepare_call_stacks();
            if (const auto lost = early.exchange(0, std::memory_order_relaxed)) file.count_dropped(lost);
        }
        epoch.load(std::memory_order_relaxed)->store(number, std::memory_order_release);
    }
    starter.store(0, std::memory_order_release);
    return true;
}

}  // namespace

constinit std::atomic<std::atomic<std::uint32_t>*> epoch{&plain_epoch};

bool take_over(thread_record& t, const void* here) noexcept {
    // A mark is dead if its call was left by longjmp. Its frame is then no longer below ours, or it sees more calls from
    // within than any malloc makes of another; of those that were taken for its own, the header counts some as dropped.
    constexpr std::uint32_t most_nested = 32;
    if (here < t.guard && ++t.nested <= most_nested) return false;
    t.dropped += t.nested;
    t.nested = 0;
    t.stream.abandon_record();
    if (t.stacks != nullptr) t.stacks->forget();
    return true;
}

bool attach(thread_record& t) noexcept {
    const int kept = errno;
    std::uint32_t now = epoch.load(std::memory_order_acquire)->load(std::memory_order_acquire);
    if (now == epoch_unstarted) {
        if (!start()) {
            early.fetch_add(1, std::memory_order_relaxed);
            errno = kept;
            return false;
        }
        now = epoch.load(std::memory_order_acquire)->load(std::memory_order_acquire);
    }
    if (now != epoch_off) {
        t.epoch = now;
        t.dropped = 0;
        t.destructor_rounds = 0;
        t.has_ended = false;
        t.stream.begin(file.next_thread(), trace_system::os_thread());
        if (stack_depth != 0) t.stream.with_stacks();
        if (t.stacks != nullptr) t.stacks->forget();
        if (thread_ends_are_seen) pthread_setspecific(thread_end_key, &t);
    }
    errno = kept;
    return now != epoch_off;
}

bool is_due(thread_record& t, std::uint64_t size) noexcept {
    if (!enter(t)) return false;
    const bool on = ready(t);
    leave(t);
    if (sample_mean == 0) return true;  // it has just become known
    if (!on || sample_mean == not_known_yet) return false;
    if (!t.samples.is_seeded()) {
        t.samples.seed((reinterpret_cast<std::uintptr_t>(&t) ^ file.clock().ticks() << 20) * 0x9E3779B97F4A7C15U);
        t.samples.draw(sample_mean);
        if (t.samples.passes_over(size)) return false;
    }
    t.samples.draw(sample_mean);
    return true;
}

std::uint32_t note_stack(thread_record& t, const void* frame, std::uint64_t ticks) noexcept {
    if (t.stacks == nullptr) [[unlikely]] {
        if (t.has_ended) return trace_format::stack_unknown;  // nobody would give back what is made now
        const int kept = errno;
        t.stacks = call_stacks::make();
        errno = kept;
        if (t.stacks == nullptr) return trace_format::stack_unknown;
    }
    return t.stacks->note(unwind::caller_of(frame), stack_depth, file, t.stream, ticks);
}

void count_dropped(thread_record& t) noexcept {
    // In batches: threads that meet at one counter would wait for each other.
    if (++t.dropped < 256) return;
    file.count_dropped(t.dropped);
    t.dropped = 0;
}

void fact(event_kind kind, std::size_t size, std::size_t align) noexcept {
    thread_record& t = own;
    if (!enter(t)) return;
    note(t, kind, nullptr, size, align);
    leave(t);
}

/// Destructors and exit handlers of others may still run after this one; their events are recorded all the same.
[[gnu::destructor]] static void process_ends() {
    thread_record& t = own;
    if (!enter(t)) return;
    const std::uint32_t now = epoch.load(std::memory_order_acquire)->load(std::memory_order_acquire);
    if (now != epoch_unstarted && now != epoch_off) {
        if (t.dropped != 0) file.count_dropped(t.dropped);
        t.dropped = 0;
        const std::uint64_t ticks = file.clock().ticks();
        file.mark_ended(trace_state::closed, ticks, file.clock().ns_at(ticks));
    }
    leave(t);
}

}  // namespace ashlar::recorder
