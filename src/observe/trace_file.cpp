#include "trace_file.hpp"

#include <cerrno>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/os/platform.hpp"
#include "checksum.hpp"

namespace ashlar {

namespace f = trace_format;
namespace sys = trace_system;

namespace {

/// Stores into the mapped file: another process may be reading.
template <class T>
void publish(T& field, T value) noexcept {
    std::atomic_ref<T>(field).store(value, std::memory_order_release);
}

trace_cut reason_for(int error) noexcept {
    switch (error) {
        case ENOSPC:
        case EDQUOT: return trace_cut::disk_full;
        case EFBIG: return trace_cut::file_limit;
        case ENOMEM: return trace_cut::no_memory;
        case EBADF: return trace_cut::file_lost;
        default: return trace_cut::io_error;
    }
}

}  // namespace

int trace_file::open(const char* path, const trace_subject& subject, const trace_clock& clock) noexcept {
    const std::size_t length = std::strlen(path);
    if (length >= path_limit) return ENAMETOOLONG;
    const int created = sys::create(path);
    if (created < 0) return -created;
    std::memcpy(path_, path, length + 1);
    const int file = sys::move_high(created);
    sys::hold_shared(file);  // whoever would put another file in its place sees that this one is being written
    header_bytes_ = os::page_size();
    int error = sys::identify(file, identity_) ? 0 : EINVAL;
    if (error == 0) error = sys::reserve_space(file, 0, header_bytes_);
    std::byte* page = error == 0 ? sys::map_window(file, 0, header_bytes_) : nullptr;
    if (page == nullptr) {
        sys::close(file);
        sys::remove(path);  // nothing half-written stays behind
        return error != 0 ? error : ENOMEM;
    }
    file_.store(file, std::memory_order_relaxed);
    cursor_.store(header_bytes_, std::memory_order_relaxed);
    clock_ = clock;
    clock_.settle();
    header_ = reinterpret_cast<f::file_header*>(page);
    tell_given(header_bytes_);
    write_header(subject);
    return 0;
}

void trace_file::write_header(const trace_subject& subject) noexcept {
    f::file_header& h = *header_;
    h.version = f::version;
    h.byte_order = f::byte_order;
    h.header_bytes = static_cast<std::uint32_t>(header_bytes_);
    h.page_size = static_cast<std::uint32_t>(os::page_size());
    h.process = subject.process;
    h.parent = subject.parent;
    h.process_start = subject.process_start;
    h.flags = subject.flags;
    h.needs = (subject.stack_depth != 0 ? f::needs_stacks : 0) | (subject.sample_mean != 0 ? f::needs_sampled : 0) |
              (subject.tells_memory ? f::needs_memory : 0) | (subject.tells_maps ? f::needs_maps : 0);
    h.stack_depth = subject.stack_depth;
    h.sample_mean = subject.sample_mean;
    h.ticks_per_second = clock_.ticks_per_second();
    h.start_ticks = clock_.start_ticks();
    h.start_monotonic_ns = clock_.start_ns();
    h.start_unix_ns = clock_.start_unix_ns();
    h.tick_source = clock_.source();

    char* strings = reinterpret_cast<char*>(header_) + f::strings_offset;
    std::size_t room = header_bytes_ - f::strings_offset;
    const std::size_t executable = subject.executable.size() < room ? subject.executable.size() : room;
    room -= executable;
    const std::size_t command = subject.command_line.size() < room ? subject.command_line.size() : room;
    if (command < subject.command_line.size()) h.flags |= f::flag_command_line_cut;
    if (command != 0) std::memcpy(strings, subject.command_line.data(), command);  // an empty one may be null
    if (executable != 0) std::memcpy(strings + command, subject.executable.data(), executable);
    h.command_bytes = static_cast<std::uint32_t>(command);
    h.executable_bytes = static_cast<std::uint32_t>(executable);

    std::uint64_t magic;
    std::memcpy(&magic, f::file_magic, sizeof magic);
    std::uint32_t sum = crc32c(0, f::file_magic, sizeof f::file_magic);
    sum = crc32c(sum, &h.version, offsetof(f::file_header, checksum) - offsetof(f::file_header, version));
    h.checksum = crc32c(sum, strings, command + executable);
    publish(reinterpret_cast<std::uint64_t&>(h.magic), magic);
}

int trace_file::usable_file() noexcept {
    // trace_file.I2: the program may have closed every descriptor, and have opened files of its own since.
    int file = file_.load(std::memory_order_acquire);
    sys::file_identity found;
    if (file >= 0 && sys::identify(file, found) && found == identity_) return file;
    const int again = sys::open_existing(path_, true);
    if (again < 0) return -1;
    if (!sys::identify(again, found) || found != identity_) {
        sys::close(again);
        return -1;
    }
    const int high = sys::move_high(again);
    // The old number is not closed: it is the program's now. If another thread was quicker, ours is superfluous.
    if (file_.compare_exchange_strong(file, high, std::memory_order_acq_rel)) return high;
    sys::close(high);
    return sys::identify(file, found) && found == identity_ ? file : -1;
}

trace_window trace_file::take(std::size_t bytes, bool tails_too) noexcept {
    if (is_cut()) return {};
    if (tails_too) {
        if (const trace_window w = take_tail(); w.base != nullptr) return w;
    }
    const int file = usable_file();
    if (file < 0) {
        cut(trace_cut::file_lost);
        return {};
    }
    for (std::size_t want = align_up(bytes, os::page_size());; want = align_up(want / 2, os::page_size())) {
        const std::uint64_t offset = cursor_.fetch_add(want, std::memory_order_relaxed);
        const int error = sys::reserve_space(file, offset, want);
        if (error == 0) {
            std::byte* p = sys::map_window(file, offset, want);
            if (p != nullptr) {
                tell_given(offset + want);
                return {p, p, p + want, nullptr};
            }
            if (want == os::page_size()) {
                cut(trace_cut::no_memory);
                return {};
            }
        } else {
            // Undo the addition if nobody came after: the smaller try below then needs less.
            std::uint64_t after = offset + want;
            cursor_.compare_exchange_strong(after, offset, std::memory_order_relaxed);
            if (want == os::page_size()) {
                cut(reason_for(error));
                return {};
            }
        }
    }
}

/// Before the window is written to: a file that lost records is then shorter than what was told (trace_file.I3).
void trace_file::tell_given(std::uint64_t end) noexcept {
    const std::atomic_ref<std::uint64_t> told(header_->given_bytes);
    std::uint64_t before = told.load(std::memory_order_relaxed);
    while (before < end && !told.compare_exchange_weak(before, end, std::memory_order_release)) {}
}

trace_window trace_file::take_tail() noexcept {
    for (auto& place : tails_) {
        if (place.load(std::memory_order_relaxed) == nullptr) continue;
        tail* t = place.exchange(nullptr, std::memory_order_acquire);  // pairs with the release in leave()
        if (t == nullptr) continue;
        const tail found = *t;
        std::memset(static_cast<void*>(t), 0, sizeof *t);  // trace_format.I3
        return {found.base, reinterpret_cast<std::byte*>(t), found.end, found.before};
    }
    return {};
}

void trace_file::leave(trace_window rest) noexcept {
    const auto bytes = static_cast<std::size_t>(rest.end - rest.at);
    if (bytes >= least_tail && !is_cut()) {
        auto* t = reinterpret_cast<tail*>(rest.at);
        *t = {0, rest.base, rest.end, rest.before};
        for (auto& place : tails_) {
            tail* none = nullptr;
            if (place.load(std::memory_order_relaxed) == nullptr &&
                place.compare_exchange_strong(none, t, std::memory_order_release)) {  // pairs with take_tail()
                return;
            }
        }
        std::memset(static_cast<void*>(t), 0, sizeof *t);
    }
    sys::unmap_window(rest.base, static_cast<std::size_t>(rest.end - rest.base));
}

void trace_file::cut(trace_cut why) noexcept {
    if (cut_.exchange(true, std::memory_order_relaxed)) return;
    publish(header_->cut, static_cast<std::uint32_t>(why));
    publish(header_->state, static_cast<std::uint32_t>(trace_state::cut));
}

void trace_file::mark_ended(trace_state how, std::uint64_t ticks, std::uint64_t monotonic_ns) noexcept {
    publish(header_->end_ticks, ticks);
    publish(header_->end_monotonic_ns, monotonic_ns);
    if (!is_cut()) publish(header_->state, static_cast<std::uint32_t>(how));
}

void trace_file::finish(std::uint64_t ticks, std::uint64_t monotonic_ns) noexcept {
    mark_ended(trace_state::closed, ticks, monotonic_ns);
    cut_.store(true, std::memory_order_relaxed);  // of the memory alone: the file says that it is closed
    for (trace_window w = take_tail(); w.base != nullptr; w = take_tail()) {
        sys::unmap_window(w.base, static_cast<std::size_t>(w.end - w.base));
    }
    // The header stays mapped, as do the windows of threads: they may be about to write.
    const int file = file_.exchange(-1, std::memory_order_relaxed);
    sys::file_identity found;
    if (file < 0 || !sys::identify(file, found) || found != identity_) return;
    sys::let_go(file);
    sys::close(file);
}

void trace_file::count_dropped(std::uint64_t events) noexcept {
    std::atomic_ref<std::uint64_t>(header_->dropped_events).fetch_add(events, std::memory_order_relaxed);
}

void trace_file::release() noexcept {
    if (header_ == nullptr) return;
    for (trace_window w = take_tail(); w.base != nullptr; w = take_tail()) {
        sys::unmap_window(w.base, static_cast<std::size_t>(w.end - w.base));
    }
    const int file = file_.exchange(-1, std::memory_order_relaxed);
    sys::file_identity found;
    if (file >= 0 && sys::identify(file, found) && found == identity_) sys::close(file);
    sys::unmap_window(reinterpret_cast<std::byte*>(header_), header_bytes_);
    header_ = nullptr;
}

void trace_file::forget() noexcept {
    for (auto& place : tails_) place.store(nullptr, std::memory_order_relaxed);
    const int file = file_.exchange(-1, std::memory_order_relaxed);
    sys::file_identity found;
    if (file >= 0 && sys::identify(file, found) && found == identity_) sys::close(file);
    if (header_ != nullptr) sys::unmap_window(reinterpret_cast<std::byte*>(header_), header_bytes_);
    header_ = nullptr;
    threads_.store(0, std::memory_order_relaxed);
    next_memory_.store(UINT64_MAX, std::memory_order_relaxed);
    cut_.store(false, std::memory_order_relaxed);
}

}  // namespace ashlar
