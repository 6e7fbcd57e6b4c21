#include "call_stacks.hpp"

#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/os/platform.hpp"
#include "modules.hpp"

extern "C" {
// The linker's marks of this library.
[[gnu::visibility("hidden")]] extern const char __ehdr_start[];
[[gnu::visibility("hidden")]] extern const char etext[];
}

namespace ashlar::recorder {
namespace {

std::size_t bytes_of_one() noexcept { return align_up(sizeof(call_stacks), os::page_size()); }

}  // namespace

void prepare_call_stacks() noexcept {
    unwind::rules.prepare();
    unwind::unwinder::leave_out(reinterpret_cast<std::uintptr_t>(__ehdr_start), reinterpret_cast<std::uintptr_t>(etext));
    forget_modules();
}

call_stacks* call_stacks::make() noexcept {
    const auto space = os::reserve(bytes_of_one(), os::page_size());
    if (!space || !os::commit(space->data, bytes_of_one())) return nullptr;
    return new (space->data) call_stacks;
}

void call_stacks::destroy(call_stacks* s) noexcept {
    s->stacks_.release();
    s->places_.release();
    os::release(reinterpret_cast<std::byte*>(s), bytes_of_one());
}

void call_stacks::forget() noexcept {
    stacks_.clear();
    places_.clear();
    walker_.forget();
    numbered_ = false;
}

std::uint32_t call_stacks::number_of_place(std::uintptr_t ip, trace_file& file, trace_stream& stream,
                                           std::uint64_t ticks) noexcept {
    if (const std::uint32_t known = places_.find(ip, 0); known != number_table::none) return known - 1;
    const code_place p = place_of(ip, file, stream, ticks);
    const std::uint32_t number = stream.define_place(file, ticks, p.module, p.offset);
    if (number != trace_stream::no_number) places_.add(ip, 0, number + 1);
    return number;
}

/// Numbers the frames [from, to) of the walk, which the tables do not know. @returns the innermost's number, or 0
std::uint32_t call_stacks::define(std::uint32_t parent, std::size_t from, std::size_t to, trace_file& file,
                                  trace_stream& stream, std::uint64_t ticks) noexcept {
    std::uint32_t places[trace_format::stacks_in_record];
    auto* const frames = walker_.frames();
    while (from != to) {
        std::size_t count = 0;
        for (; from + count != to && count < trace_format::stacks_in_record; ++count) {
            places[count] = number_of_place(frames[from + count].ip, file, stream, ticks);
            if (places[count] == trace_stream::no_number) return 0;
        }
        const std::uint32_t number = stream.define_stacks(file, ticks, parent, places, count);
        if (number == trace_stream::no_number) return 0;
        for (std::size_t i = 0; i < count; ++i, ++from) {  // call_stacks.I1: they are in the file
            frames[from].node = number + static_cast<std::uint32_t>(i);
            stacks_.add(frames[from].ip, parent, frames[from].node);
            parent = frames[from].node;
        }
    }
    return parent;
}

std::uint32_t call_stacks::note(unwind::registers from, std::size_t depth, trace_file& file, trace_stream& stream,
                                std::uint64_t ticks) noexcept {
    if (const std::uint32_t now = unwind::rules.epoch(); now != epoch_) [[unlikely]] {
        forget();  // call_stacks.I2
        epoch_ = now;
    }
    walker_.walk(from, depth);
    const std::size_t size = walker_.size();
    if (size == 0) return numbered_ = false, trace_format::stack_cut;
    auto* const frames = walker_.frames();
    const std::size_t begin = size > depth ? size - depth : 0;
    const std::uint32_t root = begin != 0 || walker_.cut() ? trace_format::stack_cut : trace_format::stack_unknown;
    // What is shared keeps its numbers only if the outermost that counts is the same, with the same beyond it.
    std::size_t at = numbered_ && begin == begin_ && root == root_ && walker_.shared() > begin ? walker_.shared() : begin;
    std::uint32_t stack = at != begin ? frames[at - 1].node : root;
    begin_ = begin;
    root_ = root;
    numbered_ = false;
    for (; at != size; ++at) {
        const std::uint32_t known = stacks_.find(frames[at].ip, stack);
        if (known == number_table::none) break;
        frames[at].node = stack = known;
    }
    if (at != size) {
        stack = define(stack, at, size, file, stream, ticks);
        if (stack == 0) return 0;
    }
    numbered_ = true;
    return stack;
}

}  // namespace ashlar::recorder
