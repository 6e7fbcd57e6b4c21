#include "trace_cursor.hpp"

#include <algorithm>
#include <cstring>

#include "checksum.hpp"

namespace ashlar {

namespace f = trace_format;

bool trace_cursor::next(event& e, record_time& when) {
    for (;;) {
        if (!inside_ && !enter_chunk()) return false;
        if (end_ - at_ < f::record_limit && remaining_ != 0) refill();
        const std::byte* const from = buffer_.data() + at_;
        if (at_ != end_ && *from != std::byte{0}) {
            bool is_event = true;
            if (const std::byte* after = take(from, buffer_.data() + end_, e, when, is_event)) {
                at_ += static_cast<std::size_t>(after - from);
                if (is_event) return true;
                continue;
            }
            // A record that the end of the file cuts is no damage: the index has counted the chunk as truncated.
            health_.damaged_chunks += !truncated_ || end_ - at_ >= f::record_limit;
        } else if (at_ != end_ && closed_) {
            ++health_.damaged_chunks;  // a closed chunk has no zero among its records
        }
        inside_ = false;
    }
}

const std::byte* trace_cursor::take(const std::byte* from, const std::byte* end, event& e, record_time& when,
                                    bool& is_event) {
    if (static_cast<unsigned>(*from) == f::tell_memory) {
        is_event = false;
        return take_memory(from + 1, end);
    }
    if (!definitions_) return decoder_.decode(from, end, e, when);
    is_event = !trace_definitions::begins_with(*from);
    if (!is_event) return definitions_->take(from, end);
    const std::byte* after = decoder_.decode(from, end, e, when);
    return after != nullptr && definitions_->translate(e.stack) ? after : nullptr;
}

const std::byte* trace_cursor::take_memory(const std::byte* at, const std::byte* end) {
    std::uint64_t ticks;
    memory_sample m;
    if (!index_.tells_memory || !record_decoder::take(at, end, ticks) || !record_decoder::take(at, end, m.resident) ||
        !record_decoder::take(at, end, m.committed) || ticks > UINT64_MAX - index_.start_ticks) {
        return nullptr;
    }
    m.time_ns = index_.ns_of(index_.start_ticks + ticks);
    memory_.push_back(m);
    return at;
}

bool trace_cursor::enter_chunk() {
    while (!chunks_.empty()) {
        const trace_chunk_place& place = chunks_.front();
        chunks_ = chunks_.subspan(1);
        f::chunk_header c;
        if (source_.read(place.offset, &c, sizeof c) != sizeof c) {
            ++health_.truncated_chunks;
            continue;
        }
        if (c.coding != f::coding_plain) {
            if (place.truncated) continue;  // counted by the index; without its end nothing of it can be unpacked
            inside_ = closed_ = unpack(place, c);
            if (inside_) return true;
            ++health_.damaged_chunks;
            continue;
        }
        offset_ = place.offset + sizeof c;
        remaining_ = place.bytes;
        closed_ = place.closed;
        truncated_ = place.truncated;
        if (buffer_.size() < std::min<std::size_t>(window, place.bytes)) {
            buffer_.resize(std::min<std::size_t>(window, place.bytes));
        }
        at_ = end_ = 0;
        if (closed_ && !checksum_holds(c)) {
            ++health_.damaged_chunks;
            continue;
        }
        decoder_.restart(c.start_ticks, definitions_.has_value());
        inside_ = true;
        return true;
    }
    return false;
}

bool trace_cursor::unpack(const trace_chunk_place& place, const f::chunk_header& c) {
    std::vector<std::byte> stored(place.bytes);
    constexpr std::size_t summed = offsetof(f::chunk_header, thread);
    std::uint32_t sum = crc32c(0, reinterpret_cast<const std::byte*>(&c) + summed, sizeof c - summed);
    if (source_.read(place.offset + sizeof c, stored.data(), stored.size()) != stored.size()) return false;
    sum = crc32c(sum, stored.data(), stored.size());
    if (sum != c.checksum || !packing_.unpack(stored, definitions_.has_value(), buffer_)) return false;
    truncated_ = false;
    remaining_ = at_ = 0;
    end_ = buffer_.size();
    decoder_.restart(c.start_ticks, definitions_.has_value());
    return true;
}

bool trace_cursor::checksum_holds(const f::chunk_header& c) {
    const auto* fixed = reinterpret_cast<const std::byte*>(&c) + offsetof(f::chunk_header, thread);
    std::uint32_t sum = crc32c(0, fixed, sizeof c - offsetof(f::chunk_header, thread));
    const std::uint64_t offset = offset_, bytes = remaining_;
    while (remaining_ != 0) {
        at_ = end_;  // let go of what was summed
        refill();
        if (at_ == end_) return false;
        sum = crc32c(sum, buffer_.data() + at_, end_ - at_);
    }
    if (bytes > end_ - at_ || at_ != 0) {  // it did not fit in the buffer: go back to its beginning
        offset_ = offset;
        remaining_ = bytes;
        at_ = end_ = 0;
    }
    return sum == c.checksum;
}

void trace_cursor::refill() {
    std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
    end_ -= at_;
    at_ = 0;
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, buffer_.size() - end_));
    const std::size_t got = source_.read(offset_, buffer_.data() + end_, want);
    end_ += got;
    offset_ += got;
    remaining_ -= got;
    if (got < want) remaining_ = 0;  // the file shrank
}

}  // namespace ashlar
