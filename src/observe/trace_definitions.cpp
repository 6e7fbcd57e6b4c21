#include "trace_definitions.hpp"

#include <algorithm>

#include "ashlar/observe/trace_codec.hpp"
#include "ashlar/observe/trace_format.hpp"

namespace ashlar {

namespace f = trace_format;

namespace {

bool take(const std::byte*& at, const std::byte* end, std::uint64_t& v) noexcept { return record_decoder::take(at, end, v); }

}  // namespace

bool number_map::find(std::uint64_t number, std::uint32_t lost, std::uint32_t& meaning) const noexcept {
    if (number >= next() || number < runs_.front().first) return false;
    const run* r = &runs_.back();
    if (number < r->first) {
        r = &*(std::upper_bound(runs_.begin(), runs_.end(), number, [](std::uint64_t n, const run& a) { return n < a.first; }) - 1);
    }
    meaning = number - r->first < r->meaning.size() ? r->meaning[number - r->first] : lost;
    return true;
}

bool trace_definitions::translate(std::uint32_t& stack) const noexcept {
    // trace_definitions.I1
    return stack < trace_stacks::first || stacks_.find(stack, trace_stacks::unknown, stack);
}

const std::byte* trace_definitions::take(unsigned tag, const std::byte* at, const std::byte* end) {
    switch (tag) {
        case f::define_place: return take_place(at, end);
        case f::define_stacks: return take_stacks(at, end);
        case f::define_module: return take_module(at, end);
        case f::define_counts: return take_counts(at, end);
        default: return nullptr;
    }
}

const std::byte* trace_definitions::take_place(const std::byte* at, const std::byte* end) {
    std::uint64_t module, offset;
    if (!ashlar::take(at, end, module) || !ashlar::take(at, end, offset) || module >= trace_stacks::module_limit) return nullptr;
    places_.push(all_.add_place({static_cast<std::uint32_t>(module), offset}));
    return at;
}

const std::byte* trace_definitions::take_stacks(const std::byte* at, const std::byte* end) {
    std::uint64_t back;
    if (!ashlar::take(at, end, back) || back == 0 || back > stacks_.next() || at == end) return nullptr;
    auto parent = static_cast<std::uint32_t>(stacks_.next() - back);  // smaller than its own: trace_stacks.I1
    const auto count = static_cast<unsigned>(*at++);
    if (count == 0 || count > f::stacks_in_record || stacks_.next() + count > UINT32_MAX) return nullptr;
    if (!translate(parent)) return nullptr;
    for (unsigned i = 0; i < count; ++i) {
        std::uint64_t number;
        std::uint32_t place = lost_place_;
        if (!ashlar::take(at, end, number) || !places_.find(number, lost_place_, place)) return nullptr;
        if (place == UINT32_MAX) place = lost_place_ = all_.add_place({0, 0});
        parent = all_.add_frame(parent, place);
        stacks_.push(parent);
    }
    return at;
}

const std::byte* trace_definitions::take_module(const std::byte* at, const std::byte* end) {
    std::uint64_t number;
    if (!ashlar::take(at, end, number) || number == 0 || number >= trace_stacks::module_limit || at == end) return nullptr;
    const auto part = static_cast<unsigned>(*at++);
    trace_module described;
    if (part == f::module_range) {
        if (!ashlar::take(at, end, described.bias) || !ashlar::take(at, end, described.begin) || !ashlar::take(at, end, described.bytes)) return nullptr;
        trace_module& m = all_.module(static_cast<std::uint32_t>(number));
        m = described;  // its other parts follow
        return at;
    }
    if (at == end || (part != f::module_build_id && part != f::module_path)) return nullptr;
    const auto length = static_cast<std::size_t>(*at++);
    if (length > f::bytes_in_record || length > static_cast<std::size_t>(end - at)) return nullptr;
    trace_module& m = all_.module(static_cast<std::uint32_t>(number));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(at);
    if (part == f::module_build_id) m.build_id.assign(bytes, bytes + length);
    else m.path.append(reinterpret_cast<const char*>(bytes), length);
    return at + length;
}

const std::byte* trace_definitions::take_counts(const std::byte* at, const std::byte* end) {
    std::uint64_t places, stacks;
    if (!ashlar::take(at, end, places) || !ashlar::take(at, end, stacks)) return nullptr;
    if (places < places_.next() || stacks < stacks_.next() || places > UINT32_MAX || stacks > UINT32_MAX) return nullptr;
    places_.skip_to(places);
    stacks_.skip_to(stacks);
    return at;
}

}  // namespace ashlar
