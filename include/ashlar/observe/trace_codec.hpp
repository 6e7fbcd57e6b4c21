// ashlar/observe/trace_codec.hpp - one event to a few bytes and back: the records of a chunk.
//
// Layer:      observe
// Source:     docs/trace_format.md, records. Variable-length numbers as in DWARF (LEB128), signed ones folded
//             as in protocol buffers (zigzag). The table of recent addresses is ours: one slot per address
//             hash, so that both sides find it in O(1) without moving anything.
// Picture:    [refused] [odd, low bits] tag | time | [stack] | slot or distance | size | alignment | lasted | old slot or distance
// Complexity: O(1) each way; 6 KiB of state.
// Failure:    decode() returns nullptr for bytes that are no whole record; the state is then spent.
// Threads:    one coder per thread.
// Invariants: trace_codec.I1  coder and decoder hold the same state after the same records
//             trace_codec.I2  a record is at most record_limit bytes and its first byte is not zero
// Checked by: tests/observe/trace_codec_test.cpp
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/trace_format.hpp"

namespace ashlar {

/// Time as the trace counts it. A release says when it was about to happen, a request when it had happened, and a
/// move both: between `begin` and `end` its old address may already belong to another thread.
struct record_time {
    std::uint64_t begin;
    std::uint64_t end;
};

/// What both sides remember of a chunk; it starts afresh with each.
class record_state {
public:
    void restart(std::uint64_t start_ticks, bool with_stacks = false) noexcept {
        *this = record_state{};
        ticks_ = start_ticks;
        stacks_ = with_stacks;
    }

protected:
    struct slot {
        std::uint64_t address;
        std::uint64_t size;
    };
    struct stack_slot {
        std::uint32_t stack;
        bool used;
        bool by_address;     ///< of a near address, the size that stood there was right when the stack's was not
        std::uint64_t size;  ///< of its last request
    };
    bool tells_stack(event_kind k) const noexcept { return stacks_ && requests(k); }
    stack_slot& slot_for_stack(std::uint32_t stack) noexcept { return stack_slots_[trace_format::slot_of_stack(stack)]; }
    slot& slot_for(std::uint64_t address) noexcept { return slots_[trace_format::slot_of(address, stacks_)]; }
    /// What both sides expect a request's size to be. near: its address's slot, if it stands there. @returns whether there is one
    bool expected_size(std::uint32_t stack, const slot* near, std::uint64_t& size) noexcept {
        const stack_slot& w = slot_for_stack(stack);
        const bool known = w.used && w.stack == stack;
        if (near != nullptr && (!known || w.by_address)) return size = near->size, true;
        return size = w.size, known;
    }
    void learn_size(std::uint32_t stack, const slot* near, std::uint64_t size) noexcept {
        stack_slot& w = slot_for_stack(stack);
        const bool known = w.used && w.stack == stack;
        bool by_address = known && w.by_address;
        if (near != nullptr && near->size == size) by_address = !known || w.size != size;
        else if (near != nullptr) by_address = false;
        w = {stack, true, by_address, size};
    }

    std::uint64_t ticks_ = 0;
    std::uint64_t near_ = 0;  ///< the last address, rounded down to 16
    bool stacks_ = false;
    slot slots_[trace_format::wide_slot_count] = {};
    stack_slot stack_slots_[trace_format::stack_slot_count] = {};
};

class record_encoder : public record_state {
public:
    /// Writes one number. @returns where the next byte goes
    static std::byte* put(std::byte* at, std::uint64_t v) noexcept {
        while (v >= 0x80) {
            *at++ = static_cast<std::byte>(v | 0x80);
            v >>= 7;
        }
        *at++ = static_cast<std::byte>(v);
        return at;
    }

    /// Writes the event at `at`, the first byte last (trace_format.I2). Inlined, a constant kind leaves only its own part.
    /// @pre record_limit bytes at `at` are writable and zero; e.kind is known and is not thread_begin or exec
    /// @returns where the next record goes
    [[gnu::always_inline]] std::byte* encode(std::byte* at, const event& e, record_time when) noexcept;

private:
    static std::uint64_t fold(std::uint64_t distance) noexcept {
        return (distance << 1) ^ (std::uint64_t{0} - (distance >> 63));
    }
    std::byte* put_old(std::byte* at, std::uint64_t address) noexcept;
    std::byte* put_stack(std::byte* at, const event& e) noexcept;
};

class record_decoder : public record_state {
public:
    /// Reads one number. @returns false if there is none, or it does not fit
    static bool take(const std::byte*& at, const std::byte* end, std::uint64_t& v) noexcept;

    /// Reads one record. The event's thread and time_ns are the caller's to fill in.
    /// @returns the byte after it, or nullptr if [at, end) does not begin with a whole, possible record
    const std::byte* decode(const std::byte* at, const std::byte* end, event& e, record_time& when) noexcept;

    /// The same, wherever the parts of records stand: src/observe/record_decoding.hpp.
    template <class From>
    bool decode_from(From& from, event& e, record_time& when) noexcept;

private:
    struct head {
        unsigned tag = 0;
        unsigned low = 0;         // the low four bits of an odd address
        unsigned kind = 0;        // what the kind of event tells
        bool placed = false;      // an address
        bool with_stack = false;
    };
    static std::uint64_t unfold(std::uint64_t v) noexcept { return (v >> 1) ^ (std::uint64_t{0} - (v & 1)); }
    template <class From>
    bool take_tag(From& from, head& h, event& e) const noexcept;
    template <class From>
    bool take_stack(From& from, event& e) noexcept;
    template <class From>
    bool take_address(From& from, const head& h, event& e, slot*& place) noexcept;
    template <class From>
    bool take_old(From& from, event& e) noexcept;
};

inline std::byte* record_encoder::encode(std::byte* at, const event& e, record_time when) noexcept {
    namespace f = trace_format;
    unsigned tag = static_cast<unsigned>(e.kind);
    unsigned first = 0;  // the first byte when it is a prefix
    std::byte* out = at + 1;
    const bool placed = (requests(e.kind) && !e.failed) || releases(e.kind);
    slot* s = nullptr;
    if (placed && e.address != 0) {
        s = &slot_for(e.address);
        if (s->address == e.address) tag |= f::tag_near;
    }
    const bool with_stack = tells_stack(e.kind);
    std::uint64_t expected;
    const bool same = with_stack ? expected_size(e.stack, tag & f::tag_near ? s : nullptr, expected) && expected == e.size
                                 : (tag & f::tag_near) && states_size(e.kind) && s->size == e.size;
    if (same) tag |= f::tag_same_size;

    if (e.failed) [[unlikely]] {
        first = f::prefix_refused;
        *out++ = static_cast<std::byte>(tag);
    } else if (placed && (e.address & 15) != 0 && !(tag & f::tag_near)) [[unlikely]] {
        first = f::prefix_odd;
        *out++ = static_cast<std::byte>(e.address & 15);
        *out++ = static_cast<std::byte>(tag);
    }
    // The CPUs' counters may disagree by a little when a thread moves: its own order never goes back.
    const std::uint64_t begin = when.begin > ticks_ ? when.begin : ticks_;
    out = put(out, begin - ticks_);
    ticks_ = begin;
    if (with_stack) {
        out = put_stack(out, e);
        learn_size(e.stack, tag & f::tag_near ? s : nullptr, e.size);
    }
    if (placed) {
        if (tag & f::tag_near) {
            *out++ = static_cast<std::byte>(f::slot_of(e.address, stacks_));
        } else {
            const std::uint64_t distance = (e.address & ~std::uint64_t{15}) - near_;
            out = put(out, fold(static_cast<std::uint64_t>(static_cast<std::int64_t>(distance) >> 4)));
        }
        if (e.address != 0) near_ = e.address & ~std::uint64_t{15};
    }
    if (states_size(e.kind) && !same) out = put(out, e.size);
    if (s) *s = {e.address, states_size(e.kind) ? e.size : s->address == e.address ? s->size : 0};
    if (states_alignment(e.kind)) out = put(out, e.alignment);
    if (maps(e.kind)) out = put(out, e.address);
    if (moves(e.kind)) {
        const std::uint64_t end = when.end > ticks_ ? when.end : ticks_;
        out = put(out, end - ticks_);
        ticks_ = end;
        out = put_old(out, e.old_address);
    }
    // trace_format.I2: a reader of the file sees this record only from here on.
    const auto head = static_cast<std::byte>(first != 0 ? first : tag);
    std::atomic_ref<std::byte>(*at).store(head, std::memory_order_release);
    return out;
}

inline std::byte* record_encoder::put_stack(std::byte* at, const event& e) noexcept {
    const stack_slot& w = slot_for_stack(e.stack);
    const bool known = w.used && w.stack == e.stack;
    return put(at, known ? trace_format::slot_of_stack(e.stack) : trace_format::stack_slot_count + std::uint64_t{e.stack});
}

inline std::byte* record_encoder::put_old(std::byte* at, std::uint64_t address) noexcept {
    slot& s = slot_for(address);
    const unsigned number = trace_format::slot_of(address, stacks_);
    if (address != 0 && s.address == address && number < trace_format::no_old) {
        *at++ = static_cast<std::byte>(number);
        return at;
    }
    if (address == 0 && stacks_) {
        *at++ = static_cast<std::byte>(trace_format::no_old);
        return at;
    }
    *at++ = static_cast<std::byte>(trace_format::no_slot);
    at = put(at, fold(address - near_));
    if (address != 0) s = {address, 0};
    return at;
}

}  // namespace ashlar
