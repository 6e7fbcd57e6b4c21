#include "ashlar/observe/trace_stacks.hpp"

#include "ashlar/foundation/contract.hpp"

namespace ashlar {

trace_stacks::trace_stacks() : frames_(first), modules_(1) {}

bool trace_stacks::unfold(std::uint32_t stack, std::vector<std::uint32_t>& places) const {
    places.clear();
    while (stack >= first && stack < frames_.size()) {
        places.push_back(frames_[stack].place);
        stack = frames_[stack].parent;  // smaller: trace_stacks.I1
    }
    return stack != cut;
}

std::uint32_t trace_stacks::add_place(trace_place p) {
    const auto [at, is_new] = place_numbers_.try_emplace(p, static_cast<std::uint32_t>(places_.size()));
    if (is_new) places_.push_back(p);
    return at->second;
}

std::uint32_t trace_stacks::add_frame(std::uint32_t parent, std::uint32_t place) {
    ASHLAR_PRE(parent < frames_.size() && place < places_.size());
    const auto [at, is_new] = frame_numbers_.try_emplace(std::uint64_t{parent} << 32 | place,
                                                         static_cast<std::uint32_t>(frames_.size()));
    if (is_new) frames_.push_back({parent, place});
    ASHLAR_INVARIANT(parent < at->second);  // trace_stacks.I1
    return at->second;
}

trace_module& trace_stacks::module(std::uint32_t number) {
    ASHLAR_PRE(number < module_limit);
    if (number >= modules_.size()) modules_.resize(number + 1);
    return modules_[number];
}

}  // namespace ashlar
