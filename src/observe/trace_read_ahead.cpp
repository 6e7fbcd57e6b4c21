#include "trace_read_ahead.hpp"

#include <system_error>
#include <utility>

#include "checksum.hpp"

namespace ashlar {

namespace f = trace_format;

void load_chunk(const trace_source& source, const trace_chunk_place& place, trace_packing& packing, loaded_chunk& to) {
    f::chunk_header& c = to.header;
    to.has_header = source.read(place.offset, &c, sizeof c) == sizeof c;
    to.is_packed = to.has_header && c.coding != f::coding_plain;
    to.is_whole = false;
    if (!to.is_packed || place.truncated) return;  // without its end nothing of it can be unpacked
    to.stored.resize(place.bytes);
    if (source.read(place.offset + sizeof c, to.stored.data(), to.stored.size()) != to.stored.size()) return;
    constexpr std::size_t summed = offsetof(f::chunk_header, thread);
    const std::uint32_t sum = crc32c(0, reinterpret_cast<const std::byte*>(&c) + summed, sizeof c - summed);
    to.is_whole = crc32c(sum, to.stored.data(), to.stored.size()) == c.checksum && packing.unpack(to.stored, to.plain, to.columns);
}

trace_read_ahead::trace_read_ahead(const trace_source& source) : source_(source) {
    try {
        helper_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        ends_ = true;  // no thread is to be had: begin() says so
    }
}

trace_read_ahead::~trace_read_ahead() {
    {
        const std::lock_guard guard(lock_);
        ends_ = true;
    }
    wanted_.notify_one();
    if (helper_.joinable()) helper_.join();
}

bool trace_read_ahead::begin(ahead_chunk& a, const trace_chunk_place& place) {
    if (begun_ == most || !helper_.joinable()) return false;
    ++begun_;
    a.place = place;
    {
        const std::lock_guard guard(lock_);
        a.is_begun = true;  // trace_read_ahead.I1
        a.is_done = false;
        queue_.push_back(&a);
    }
    wanted_.notify_one();
    return true;
}

void trace_read_ahead::finish(ahead_chunk& a) {
    std::unique_lock guard(lock_);
    done_.wait(guard, [&] { return a.is_done; });
    a.is_begun = false;
    --begun_;
    if (a.failure) std::rethrow_exception(std::exchange(a.failure, nullptr));
}

void trace_read_ahead::run() {
    std::unique_lock guard(lock_);
    for (;;) {
        wanted_.wait(guard, [&] { return ends_ || !queue_.empty(); });
        if (queue_.empty()) return;
        ahead_chunk& a = *queue_.front();
        queue_.pop_front();
        guard.unlock();
        try {
            load_chunk(source_, a.place, packing_, a.chunk);
        } catch (...) {
            a.failure = std::current_exception();
        }
        guard.lock();
        a.is_done = true;
        done_.notify_one();
    }
}

}  // namespace ashlar
