// src/observe/record_decoding.hpp - what a record's bytes mean, wherever its parts stand: in a row, or in columns.
//
// Layer:      observe
// Source:     docs/trace_format.md, records. Numbers of up to eight bytes are taken at once: the first byte without its top bit
//             is found by a mask, and the sevens of bits are drawn together in three steps.
// Complexity: O(1) a record.
// Failure:    decode_from() is false for what is no whole, possible record; the decoder's state is then spent.
// Threads:    one decoder per thread.
// Checked by: tests/observe/trace_codec_test.cpp, tests/observe/trace_pack_test.cpp
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ashlar/observe/trace_codec.hpp"
#include "trace_columns.hpp"

namespace ashlar {

/// Bytes in order, of which numbers are taken.
struct record_bytes {
    const std::byte* at;
    const std::byte* end;

    [[gnu::always_inline]] bool byte(unsigned& value) noexcept {
        if (at == end) return false;
        value = static_cast<unsigned>(*at++);
        return true;
    }
    /// For numbers that are mostly of one byte.
    [[gnu::always_inline]] bool small(std::uint64_t& v) noexcept {
        if (at != end && static_cast<unsigned>(*at) < 0x80) [[likely]] {
            v = static_cast<std::uint64_t>(*at++);
            return true;
        }
        return number(v);
    }
    /// For numbers of any length: without a jump that depends on it.
    [[gnu::always_inline]] bool number(std::uint64_t& v) noexcept {
        if constexpr (std::endian::native == std::endian::little) {
            if (end - at >= 8) [[likely]] {
                std::uint64_t word;
                std::memcpy(&word, at, 8);
                const std::uint64_t stops = ~word & 0x8080808080808080U;
                if (stops != 0) [[likely]] {
                    at += (std::countr_zero(stops) >> 3) + 1;
                    word &= stops ^ (stops - 1);
                    word = (word & 0x7F007F007F007F00U) >> 1 | (word & 0x007F007F007F007FU);
                    word = (word & 0xFFFF0000FFFF0000U) >> 2 | (word & 0x0000FFFF0000FFFFU);
                    v = (word & 0xFFFFFFFF00000000U) >> 4 | (word & 0x00000000FFFFFFFFU);
                    return true;
                }
            }
        }
        return record_decoder::take(at, end, v);
    }
};

/// The parts of records one after another.
struct records_in_row {
    record_bytes all;
    record_bytes& operator[](unsigned) noexcept { return all; }
};

/// Each part of all records by itself.
struct records_in_columns {
    record_bytes column[trace_columns::count];
    record_bytes& operator[](unsigned which) noexcept { return column[which]; }
};

namespace kind_parts {

enum : std::uint8_t { request = 1, release = 2, size = 4, alignment = 8, move = 16, stored = 32, mapping = 64, text = 128 };

inline constexpr auto of = [] {
    std::array<std::uint8_t, event_kind_limit> all{};
    for (unsigned n = 0; n < event_kind_limit; ++n) {
        const auto k = static_cast<event_kind>(n);
        const bool is_stored = is_known(k) && k != event_kind::thread_begin && k != event_kind::exec;
        all[n] = static_cast<std::uint8_t>((requests(k) ? request : 0) | (releases(k) ? release : 0) | (states_size(k) ? size : 0) |
                                           (states_alignment(k) ? alignment : 0) | (moves(k) ? move : 0) | (is_stored ? stored : 0) |
                                           (maps(k) ? mapping : 0) | (names_text(k) ? text : 0));
    }
    return all;
}();

}  // namespace kind_parts

/// The tag with its prefixes. @returns false if no record begins so
template <class From>
[[gnu::always_inline]] inline bool record_decoder::take_tag(From& from, head& h, event& e) const noexcept {
    namespace f = trace_format;
    auto& tags = from[trace_columns::tags];
    if (!tags.byte(h.tag)) return false;
    if (h.tag == f::prefix_refused) [[unlikely]] {
        e.failed = true;
        if (!tags.byte(h.tag)) return false;
    } else if (h.tag == f::prefix_odd) [[unlikely]] {
        if (!tags.byte(h.low) || h.low == 0 || h.low > 15 || !tags.byte(h.tag)) return false;
    }
    h.kind = kind_parts::of[h.tag & f::tag_kind];
    e.kind = static_cast<event_kind>(h.tag & f::tag_kind);
    const bool near = h.tag & f::tag_near, same = h.tag & f::tag_same_size;
    h.placed = (h.kind & (kind_parts::request | kind_parts::release)) != 0 && !e.failed;
    h.with_stack = stacks_ && (h.kind & kind_parts::request) != 0;
    if ((h.kind & kind_parts::stored) == 0 || (e.failed && (h.kind & kind_parts::request) == 0)) return false;
    if ((near || h.low != 0) && !h.placed) return false;
    return !same || h.with_stack || (near && (h.kind & kind_parts::size) != 0);
}

template <class From>
[[gnu::always_inline]] inline bool record_decoder::take_stack(From& from, event& e) noexcept {
    namespace f = trace_format;
    std::uint64_t v;
    if (!from[trace_columns::stacks].small(v)) return false;
    if (v < f::stack_slot_count) {
        const stack_slot& w = stack_slots_[v];
        e.stack = w.stack;
        return w.used;
    }
    e.stack = static_cast<std::uint32_t>(v - f::stack_slot_count);
    return v - f::stack_slot_count <= UINT32_MAX;
}

/// place: the address's slot; null for address 0
template <class From>
[[gnu::always_inline]] inline bool record_decoder::take_address(From& from, const head& h, event& e, slot*& place) noexcept {
    namespace f = trace_format;
    if (h.tag & f::tag_near) {
        unsigned number;
        if (!from[trace_columns::slots].byte(number)) return false;
        if (number >= (stacks_ ? f::wide_slot_count : f::slot_count) || h.low != 0) return false;
        place = &slots_[number];
        e.address = place->address;
        near_ = e.address & ~std::uint64_t{15};
        return e.address != 0;
    }
    std::uint64_t folded;
    if (!from[trace_columns::distances].number(folded)) return false;
    e.address = (near_ + (unfold(folded) << 4)) | h.low;  // wraps exactly as the encoder's distance did
    if (e.address == 0) return true;
    near_ = e.address & ~std::uint64_t{15};
    place = &slot_for(e.address);
    return true;
}

template <class From>
inline bool record_decoder::take_old(From& from, event& e) noexcept {
    namespace f = trace_format;
    unsigned number;
    if (!from[trace_columns::rest].byte(number)) return false;
    if (number < (stacks_ ? unsigned{f::no_old} : f::slot_count)) {
        e.old_address = slots_[number].address;
        return e.old_address != 0;
    }
    if (number == f::no_old && stacks_) return true;
    std::uint64_t folded;
    if (number != f::no_slot || !from[trace_columns::rest].number(folded)) return false;
    e.old_address = near_ + unfold(folded);
    if (e.old_address != 0) slot_for(e.old_address) = {e.old_address, 0};
    return true;
}

template <class From>
[[gnu::always_inline]] inline bool record_decoder::decode_from(From& from, event& e, record_time& when) noexcept {
    namespace f = trace_format;
    e = event{};
    head h;
    std::uint64_t passed;
    if (!take_tag(from, h, e) || !from[trace_columns::times].small(passed) || passed > UINT64_MAX - ticks_) return false;
    ticks_ += passed;
    when = {ticks_, ticks_};
    if (h.with_stack && !take_stack(from, e)) return false;
    slot* place = nullptr;
    if (h.placed && !take_address(from, h, e, place)) return false;
    const slot* near = h.tag & f::tag_near ? place : nullptr;  // take_tag: then it is placed
    if ((h.kind & kind_parts::size) != 0) {
        if ((h.tag & f::tag_same_size) == 0) {
            if (!from[trace_columns::sizes].number(e.size)) return false;
        } else if (h.with_stack) {
            if (!expected_size(e.stack, near, e.size)) return false;
        } else {
            e.size = place->size;  // take_tag: then it is near
        }
        if (h.with_stack) learn_size(e.stack, near, e.size);
        if (place != nullptr) *place = {e.address, e.size};
    } else if (place != nullptr && place->address != e.address) {
        *place = {e.address, 0};
    }
    if ((h.kind & kind_parts::alignment) != 0 && !from[trace_columns::rest].number(e.alignment)) return false;
    if ((h.kind & kind_parts::mapping) != 0 && !from[trace_columns::rest].number(e.address)) return false;
    if ((h.kind & kind_parts::move) != 0) [[unlikely]] {
        if (!from[trace_columns::rest].number(passed) || passed > UINT64_MAX - ticks_) return false;
        ticks_ += passed;
        when.end = ticks_;
        return take_old(from, e);
    }
    return true;
}

}  // namespace ashlar
