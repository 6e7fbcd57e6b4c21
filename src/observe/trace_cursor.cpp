#include "trace_cursor.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "checksum.hpp"

namespace ashlar {

namespace f = trace_format;

trace_cursor::trace_cursor(trace_reading& of, std::span<const trace_chunk_place> chunks) : of_(of), chunks_(chunks) {
    if (of.stacks != nullptr) definitions_.emplace(*of.stacks);
}

trace_cursor::~trace_cursor() {
    if (!after_.is_begun) return;
    try {
        of_.ahead->finish(after_);  // the helper writes to it
    } catch (...) {  // of a chunk that nobody will read
    }
}

bool trace_cursor::fill() {
    for (taken_ = filled_ = 0; filled_ == 0;) {
        if (!inside_ && !enter_chunk()) return false;
        if (chunk_.is_whole) decode_columns();
        else decode_row();
    }
    return true;
}

/// One record. @returns whether it was a possible one; if it was an event, it is in the batch
template <class From>
[[gnu::always_inline]] inline bool trace_cursor::take(From& from) {
    const auto tag = static_cast<unsigned>(*from[trace_columns::tags].at);
    if ((tag >= f::tell_memory && tag <= f::define_counts) || tag == f::tell_text) [[unlikely]] {
        ++from[trace_columns::tags].at;
        return take_telling(tag, from[trace_columns::rest]);
    }
    noted& n = batch_[filled_];
    if (!decoder_.decode_from(from, n.what, n.when)) return false;
    if (definitions_ && !definitions_->translate(n.what.stack)) return false;
    const unsigned kind = kind_parts::of[static_cast<unsigned>(n.what.kind)];
    n.released = (kind & kind_parts::release) != 0 ? n.what.address : n.what.failed ? 0 : n.what.old_address;  // event.I2
    n.granted = (kind & kind_parts::request) != 0 ? n.what.address : 0;                                        // event.I1
    if ((kind & kind_parts::text) != 0) [[unlikely]] name_text(n.what);
    of_.live.prefetch(n.what.address);
    if (n.what.old_address != 0) [[unlikely]] of_.live.prefetch(n.what.old_address);
    ++filled_;
    return true;
}

void trace_cursor::decode_columns() {
    const record_bytes& tags = chunk_.columns[trace_columns::tags];
    while (tags.at != tags.end) {
        if (filled_ == batch_.size()) return;
        if (take(chunk_.columns)) continue;
        ++of_.health.damaged_chunks;
        inside_ = false;
        return;
    }
    inside_ = false;
    const auto is_left = [](const record_bytes& c) { return c.at != c.end; };
    of_.health.damaged_chunks += std::any_of(std::begin(chunk_.columns.column), std::end(chunk_.columns.column), is_left);
}

void trace_cursor::decode_row() {
    record_bytes& row = row_.all;
    constexpr auto most = static_cast<std::ptrdiff_t>(f::record_limit);
    while (filled_ != batch_.size()) {
        if (row.end - row.at < most && remaining_ != 0) refill();
        const std::byte* const from = row.at;
        if (from != row.end && *from != std::byte{0}) {
            if (take(row_)) continue;
            // A record that the end of the file cuts is no damage: the index has counted the chunk as truncated.
            of_.health.damaged_chunks += !truncated_ || row.end - from >= most;
        } else if (from != row.end && closed_) {
            ++of_.health.damaged_chunks;  // a closed chunk has no zero among its records
        }
        inside_ = false;
        return;
    }
}

/// A record that is no event.
[[gnu::cold]] bool trace_cursor::take_telling(unsigned tag, record_bytes& from) {
    if (tag == f::tell_memory) return of_.index.tells_memory && take_memory(from);
    if (tag == f::tell_text) return of_.index.info.has_maps && take_text(from);
    if (!definitions_) return false;
    const std::byte* const after = definitions_->take(tag, from.at, from.end);
    if (after == nullptr) return false;
    from.at = after;
    return true;
}

bool trace_cursor::take_memory(record_bytes& from) {
    std::uint64_t ticks;
    memory_sample m;
    if (!from.number(ticks) || !from.number(m.resident) || !from.number(m.committed) || ticks > UINT64_MAX - of_.index.start_ticks) {
        return false;
    }
    m.time_ns = of_.index.ns_of(of_.index.start_ticks + ticks);
    of_.memory.push_back(m);
    return true;
}

bool trace_cursor::take_text(record_bytes& from) {
    unsigned length;
    if (!from.byte(length) || length > f::bytes_in_record || static_cast<std::size_t>(from.end - from.at) < length) return false;
    constexpr std::size_t most = 4096;  // no path is longer
    if (text_.size() < most) text_.append(reinterpret_cast<const char*>(from.at), length);
    from.at += length;
    return true;
}

void trace_cursor::name_text(event& e) {
    const auto known = of_.texts.numbers.find(text_);
    e.size = known != of_.texts.numbers.end() ? known->second : of_.texts.all.size();
    if (known == of_.texts.numbers.end()) of_.texts.numbers.emplace(of_.texts.all.emplace_back(text_), e.size);
    text_.clear();
}

bool trace_cursor::enter_chunk() {
    while (!chunks_.empty()) {
        const trace_chunk_place& place = chunks_.front();
        chunks_ = chunks_.subspan(1);
        load(place);
        if (!chunk_.has_header) {
            ++of_.health.truncated_chunks;
            continue;
        }
        if (chunk_.is_packed && !chunk_.is_whole) {
            of_.health.damaged_chunks += !place.truncated;  // that one the index has counted
            continue;
        }
        if (!chunk_.is_packed && !enter_row(place)) {
            ++of_.health.damaged_chunks;
            continue;
        }
        if (batch_.size() < batch_limit) batch_.resize(std::clamp<std::size_t>(place.bytes / 2, 4, batch_limit));
        decoder_.restart(chunk_.header.start_ticks, definitions_.has_value());
        return inside_ = true;
    }
    return false;
}

/// Fills chunk_, and has the next one fetched.
void trace_cursor::load(const trace_chunk_place& place) {
    if (!after_.is_begun) {
        load_chunk(of_.source, place, of_.packing, chunk_);
    } else {
        of_.ahead->finish(after_);
        std::swap(chunk_, after_.chunk);
    }
    if (of_.ahead && !chunks_.empty()) of_.ahead->begin(after_, chunks_.front());
}

bool trace_cursor::enter_row(const trace_chunk_place& place) {
    offset_ = place.offset + sizeof chunk_.header;
    remaining_ = place.bytes;
    closed_ = place.closed;
    truncated_ = place.truncated;
    if (const auto want = std::min<std::size_t>(window, place.bytes); buffer_.size() < want) buffer_.resize(want);
    row_.all = {buffer_.data(), buffer_.data()};
    return !closed_ || checksum_holds(chunk_.header);
}

bool trace_cursor::checksum_holds(const f::chunk_header& c) {
    const auto* fixed = reinterpret_cast<const std::byte*>(&c) + offsetof(f::chunk_header, thread);
    std::uint32_t sum = crc32c(0, fixed, sizeof c - offsetof(f::chunk_header, thread));
    const std::uint64_t offset = offset_, bytes = remaining_;
    record_bytes& row = row_.all;
    while (remaining_ != 0) {
        row.at = row.end;  // let go of what was summed
        refill();
        if (row.at == row.end) return false;
        sum = crc32c(sum, row.at, static_cast<std::size_t>(row.end - row.at));
    }
    if (bytes != static_cast<std::uint64_t>(row.end - row.at)) {  // it did not fit in the buffer: go back to its beginning
        offset_ = offset;
        remaining_ = bytes;
        row = {buffer_.data(), buffer_.data()};
    }
    return sum == c.checksum;
}

void trace_cursor::refill() {
    record_bytes& row = row_.all;
    const auto left = static_cast<std::size_t>(row.end - row.at);
    std::memmove(buffer_.data(), row.at, left);
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, buffer_.size() - left));
    const std::size_t got = of_.source.read(offset_, buffer_.data() + left, want);
    row = {buffer_.data(), buffer_.data() + left + got};
    offset_ += got;
    remaining_ = got < want ? 0 : remaining_ - got;  // else the file shrank
}

}  // namespace ashlar
