// Apart from the builder, so that making steps from events does not need the reader's code.
#include "ashlar/observe/replay_script.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace ashlar {

replay_facts count_steps(std::span<const replay_step> steps) {
    replay_facts facts;
    facts.steps = steps.size();
    std::uint64_t live = 0;
    std::vector<std::uint64_t> size_of;
    for (const auto& step : steps) {
        if (step.slot >= size_of.size()) size_of.resize(std::size_t{step.slot} + 1);
        std::uint64_t& size = size_of[step.slot];
        live -= size;
        size = step.op == replay_op::deallocate ? 0 : step.size;
        live += size;
        facts.threads = std::max<std::uint64_t>(facts.threads, std::uint64_t{step.thread} + 1);
        facts.bytes_allocated += size;
        facts.largest_bytes = std::max(facts.largest_bytes, size);
        facts.peak_bytes = std::max(facts.peak_bytes, live);
        ++(step.op == replay_op::deallocate ? facts.deallocations : step.op == replay_op::reallocate ? facts.reallocations : facts.allocations);
    }
    facts.slots = size_of.size();
    facts.live_bytes_at_end = live;
    return facts;
}

replay_facts make_replay_script(trace_reader& reader, const replay_sink& sink, std::uint64_t limit) {
    const std::uint64_t page = reader.info().page_size;
    replay_script_builder builder(sink, std::has_single_bit(page) ? page : 4096, limit);
    while (const event* e = reader.next()) {
        if (!builder.add(*e)) break;
    }
    return builder.finish();
}

}  // namespace ashlar
