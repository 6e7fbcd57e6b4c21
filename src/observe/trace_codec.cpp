#include "ashlar/observe/trace_codec.hpp"

namespace ashlar {

namespace f = trace_format;

namespace {

std::uint64_t unfold(std::uint64_t v) noexcept { return (v >> 1) ^ (std::uint64_t{0} - (v & 1)); }

}  // namespace

bool record_decoder::take(const std::byte*& at, const std::byte* end, std::uint64_t& v) noexcept {
    v = 0;
    for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
        const auto b = static_cast<std::uint64_t>(*at++);
        const std::uint64_t part = b & 0x7F;
        if (shift == 63 && part > 1) return false;  // would not fit in 64 bits
        v |= part << shift;
        if (b < 0x80) return true;
    }
    return false;
}

bool record_decoder::take_stack(const std::byte*& at, const std::byte* end, event& e) noexcept {
    std::uint64_t v;
    if (!take(at, end, v)) return false;
    if (v < f::stack_slot_count) {
        const stack_slot& w = stack_slots_[v];
        if (!w.used) return false;
        e.stack = w.stack;
        return true;
    }
    if (v - f::stack_slot_count > UINT32_MAX) return false;
    e.stack = static_cast<std::uint32_t>(v - f::stack_slot_count);
    return true;
}

bool record_decoder::take_address(const std::byte*& at, const std::byte* end, unsigned tag, unsigned low,
                                  event& e) noexcept {
    if (tag & f::tag_near) {
        if (at == end) return false;
        const auto number = static_cast<unsigned>(*at++);
        if (number >= (stacks_ ? f::wide_slot_count : f::slot_count) || slots_[number].address == 0 || low != 0) return false;
        e.address = slots_[number].address;
        if ((tag & f::tag_same_size) && !tells_stack(e.kind)) e.size = slots_[number].size;
    } else {
        std::uint64_t folded;
        if (!take(at, end, folded)) return false;
        e.address = (near_ + (unfold(folded) << 4)) | low;  // wraps exactly as the encoder's distance did
    }
    if (e.address != 0) near_ = e.address & ~std::uint64_t{15};
    return true;
}

bool record_decoder::take_old(const std::byte*& at, const std::byte* end, event& e) noexcept {
    if (at == end) return false;
    const auto number = static_cast<unsigned>(*at++);
    if (number < (stacks_ ? unsigned{f::no_old} : f::slot_count)) {
        e.old_address = slots_[number].address;
        return e.old_address != 0;
    }
    if (number == f::no_old && stacks_) return true;
    std::uint64_t folded;
    if (number != f::no_slot || !take(at, end, folded)) return false;
    e.old_address = near_ + unfold(folded);
    if (e.old_address != 0) slot_for(e.old_address) = {e.old_address, 0};
    return true;
}

bool record_decoder::take_tag(const std::byte*& at, const std::byte* end, head& h, event& e) const noexcept {
    if (at == end) return false;
    h.tag = static_cast<unsigned>(*at++);
    if (h.tag == f::prefix_refused) {
        e.failed = true;
    } else if (h.tag == f::prefix_odd) {
        if (at == end) return false;
        h.low = static_cast<unsigned>(*at++);
        if (h.low == 0 || h.low > 15) return false;
    }
    if (e.failed || h.low != 0) {
        if (at == end) return false;
        h.tag = static_cast<unsigned>(*at++);
    }
    e.kind = static_cast<event_kind>(h.tag & f::tag_kind);
    h.placed = (requests(e.kind) && !e.failed) || releases(e.kind);
    const bool near = h.tag & f::tag_near, same = h.tag & f::tag_same_size;
    if (!is_known(e.kind) || e.kind == event_kind::thread_begin || e.kind == event_kind::exec) return false;
    if ((e.failed && !requests(e.kind)) || ((near || h.low != 0) && !h.placed)) return false;
    return !same || tells_stack(e.kind) || (near && states_size(e.kind));
}

const std::byte* record_decoder::decode(const std::byte* at, const std::byte* end, event& e,
                                        record_time& when) noexcept {
    e = event{};
    head h;
    std::uint64_t passed;
    if (!take_tag(at, end, h, e) || !take(at, end, passed) || passed > UINT64_MAX - ticks_) return nullptr;
    ticks_ += passed;
    when = {ticks_, ticks_};
    const bool with_stack = tells_stack(e.kind);
    if (with_stack && !take_stack(at, end, e)) return nullptr;
    if (h.placed && !take_address(at, end, h.tag, h.low, e)) return nullptr;
    const slot* near = h.placed && (h.tag & f::tag_near) ? &slot_for(e.address) : nullptr;
    if (with_stack && (h.tag & f::tag_same_size) && !expected_size(e.stack, near, e.size)) return nullptr;
    if (states_size(e.kind) && !(h.tag & f::tag_same_size) && !take(at, end, e.size)) return nullptr;
    if (with_stack) learn_size(e.stack, near, e.size);
    if (h.placed && e.address != 0) {
        slot& s = slot_for(e.address);
        s = {e.address, states_size(e.kind) ? e.size : s.address == e.address ? s.size : 0};
    }
    if (states_alignment(e.kind) && !take(at, end, e.alignment)) return nullptr;
    if (moves(e.kind)) {
        if (!take(at, end, passed) || passed > UINT64_MAX - ticks_) return nullptr;
        ticks_ += passed;
        when.end = ticks_;
        if (!take_old(at, end, e)) return nullptr;
    }
    return at;
}

}  // namespace ashlar
