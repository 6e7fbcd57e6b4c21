#include "recorder.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/os/platform.hpp"
#include "../unwind/unwinder.hpp"
#include "next.hpp"
#include "start.hpp"

namespace ashlar::recorder {

thread_local constinit thread_record own;
constinit std::atomic<std::uint64_t> sample_mean{not_known_yet};
constinit std::atomic<bool> maps_are_told{false};
constinit sampled_blocks sampled;

namespace {

/// recorder.I2 rests on this word: until memory that a fork wipes is mapped, and where the kernel has none.
constinit std::atomic<std::uint32_t> plain_epoch{epoch_unstarted};
constinit std::atomic<std::uint32_t> recordings{epoch_resting};  // in this process and those it was forked from
constinit trace_file first_file;
constinit trace_file* file = &first_file;     // of the recording under way: who has attached sees it
constinit std::uint32_t stack_depth = 0;      // the same
constinit bool tells_maps = false;            // the same
constinit std::uint32_t recorded_process = 0;  // the one that file was last opened for
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
        const std::uint64_t now = t.file->clock().ticks();
        event e;
        e.kind = event_kind::thread_end;
        write(t, e, {now, now});
        t.stream.end(*t.file);
    }
    if (t.dropped != 0 && t.file != nullptr && t.file->is_open()) t.file->count_dropped(t.dropped);
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

/// One thread at a time starts or ends a recording.
class starting {
public:
    /// Waits, unless the epoch word is no longer what it was.
    explicit starting(std::uint32_t while_epoch) noexcept {
        const std::uint32_t process = trace_system::process();
        std::uint32_t holder = 0;
        while (!starter.compare_exchange_strong(holder, process, std::memory_order_acquire)) {
            // A fork's child inherits the mark of a starting thread that it does not have.
            if (holder != process && starter.compare_exchange_strong(holder, process, std::memory_order_acquire)) break;
            trace_system::yield();
            if (epoch.load(std::memory_order_acquire)->load(std::memory_order_acquire) != while_epoch) return;
            holder = 0;
        }
        is_ours_ = true;
    }
    starting(const starting&) = delete;
    starting& operator=(const starting&) = delete;
    ~starting() {
        if (is_ours_) starter.store(0, std::memory_order_release);  // pairs with the exchange above
    }
    bool is_ours() const noexcept { return is_ours_; }

private:
    bool is_ours_ = false;
};

/// Where a new recording writes: threads may still hold the file of the one before, unless they are the parent's.
trace_file* next_file(bool forked) noexcept {
    if (forked) file->forget();
    if (!file->is_open()) return file;
    const std::size_t bytes = align_up(sizeof(trace_file), os::page_size());
    const auto space = os::reserve(bytes, os::page_size());
    if (!space || !os::commit(space->data, bytes)) return nullptr;
    return new (space->data) trace_file;
}

void set_epoch(std::uint32_t to) noexcept { epoch.load(std::memory_order_relaxed)->store(to, std::memory_order_release); }

/// @returns whether it is too early to know
bool start_recording() noexcept {
    prepare_process();
    open_control();
    if (is_idle()) {
        set_epoch(epoch_resting);
        return false;
    }
    const control_page* const by = asked();
    const wish what = by != nullptr ? wish{by->trace, by->stack_depth, by->sample_mean, wished_at_start().maps} : wished_at_start();
    const bool forked = recorded_process != 0 && recorded_process != trace_system::process();
    trace_file* const next = next_file(forked);
    int error = ENOMEM;
    const start_result r = next != nullptr ? open_trace(*next, what, forked, error) : start_result::off;
    if (r != start_result::on && next != nullptr && next != file) {
        os::release(reinterpret_cast<std::byte*>(next), align_up(sizeof(trace_file), os::page_size()));
    }
    if (r == start_result::too_early) return true;
    const bool on = r == start_result::on;
    if (on) {
        file = next;
        recorded_process = trace_system::process();
        if (what.sample_mean != 0) sampled.clear(forked);
        stack_depth = what.stack_depth < unwind::unwinder::most ? what.stack_depth : unwind::unwinder::most;
        tells_maps = what.maps;
        if (stack_depth != 0) prepare_call_stacks();
        if (const auto lost = early.exchange(0, std::memory_order_relaxed)) file->count_dropped(lost);
    }
    maps_are_told.store(what.maps, std::memory_order_relaxed);
    sample_mean.store(on ? what.sample_mean : 0, std::memory_order_relaxed);
    heed(error, on ? file->path() : nullptr);
    const std::uint32_t otherwise = is_idle() ? epoch_resting : epoch_off;  // it may be asked for again
    set_epoch(on ? recordings.fetch_add(1, std::memory_order_relaxed) + 1 : otherwise);
    return false;
}

/// @returns whether the epoch word now says how it stands
bool start(std::uint32_t seen) noexcept {
    const starting turn(seen);
    if (!turn.is_ours()) return true;
    if (epoch.load(std::memory_order_relaxed)->load(std::memory_order_relaxed) != seen) return true;
    return !start_recording();
}

bool is_recording(std::uint32_t epoch_now) noexcept { return epoch_now > epoch_resting; }

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
    if (now == epoch_unstarted || now == epoch_resting) {
        if (!start(now)) {
            early.fetch_add(1, std::memory_order_relaxed);
            errno = kept;
            return false;
        }
        now = epoch.load(std::memory_order_acquire)->load(std::memory_order_acquire);
    }
    if (is_recording(now)) {
        // The chunk of a recording that has ended meanwhile is closed; that of a fork's parent is not ours.
        if (t.process == recorded_process && t.file != nullptr) t.stream.end(*t.file);
        t.epoch = now;
        t.process = recorded_process;
        t.file = file;
        t.stack_depth = stack_depth;
        t.tells_maps = tells_maps;
        t.is_sample = sample_mean.load(std::memory_order_relaxed) != 0;
        t.dropped = 0;
        t.destructor_rounds = 0;
        t.has_ended = false;
        t.stream.begin(t.file->next_thread(), trace_system::os_thread());
        if (t.stack_depth != 0) t.stream.with_stacks();
        if (t.stacks != nullptr) t.stacks->forget();
        if (thread_ends_are_seen) pthread_setspecific(thread_end_key, &t);
    }
    errno = kept;
    return is_recording(now);
}

void be_idle(thread_record& t) noexcept {
    t.samples = {};  // another recording may sample otherwise
    const std::uint32_t now = epoch.load(std::memory_order_acquire)->load(std::memory_order_relaxed);
    if (now == epoch_resting || now == epoch_off || !enter(t)) return;
    if (now == epoch_unstarted) {
        attach(t);  // a fork's child gets a page of its own
    } else {
        const starting turn(now);
        if (turn.is_ours() && epoch.load(std::memory_order_relaxed)->load(std::memory_order_relaxed) == now) {
            if (t.epoch == now) t.stream.end(*t.file);
            const std::uint64_t ticks = file->clock().ticks();
            file->finish(ticks, file->clock().ns_at(ticks));
            set_epoch(epoch_resting);
            heed(0, nullptr);
        }
    }
    leave(t);
}

bool is_due(thread_record& t, std::uint64_t size) noexcept {
    if (!enter(t)) return false;
    const bool on = ready(t);
    leave(t);
    const std::uint64_t mean = sample_mean.load(std::memory_order_relaxed);
    if (mean == 0) return true;  // it has just become known
    if (!on || mean == not_known_yet) return false;
    if (!t.samples.is_seeded()) {
        t.samples.seed((reinterpret_cast<std::uintptr_t>(&t) ^ t.file->clock().ticks() << 20) * 0x9E3779B97F4A7C15U);
        t.samples.draw(mean);
        if (t.samples.passes_over(size)) return false;
    }
    t.samples.draw(mean);
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
    return t.stacks->note(unwind::caller_of(frame), t.stack_depth, *t.file, t.stream, ticks);
}

void count_dropped(thread_record& t) noexcept {
    // In batches: threads that meet at one counter would wait for each other.
    if (++t.dropped < 256) return;
    t.file->count_dropped(t.dropped);
    t.dropped = 0;
}

void fact(event_kind kind, std::size_t size, std::size_t align) noexcept {
    thread_record& t = own;
    if (rests(t) || (requests(kind) && passes_over(t, size)) || !enter(t)) return;
    if (ready(t)) note(t, kind, nullptr, size, align);
    leave(t);
}

/// A program that asks for nothing has a trace all the same: an empty one.
[[gnu::constructor]] static void process_begins() {
    thread_record& t = own;
    if (!have_next() || rests(t) || !enter(t)) return;
    ready(t);
    leave(t);
}

/// Destructors and exit handlers of others may still run after this one; their events are recorded all the same.
[[gnu::destructor]] static void process_ends() {
    thread_record& t = own;
    if (!enter(t)) return;
    const std::uint32_t now = epoch.load(std::memory_order_acquire)->load(std::memory_order_acquire);
    if (is_recording(now)) {
        if (t.dropped != 0 && t.file != nullptr) t.file->count_dropped(t.dropped);
        t.dropped = 0;
        const std::uint64_t ticks = file->clock().ticks();
        if (t.epoch == now) t.stream.note_memory(*file, ticks);
        file->mark_ended(trace_state::closed, ticks, file->clock().ns_at(ticks));
    }
    close_control();
    leave(t);
}

}  // namespace ashlar::recorder
