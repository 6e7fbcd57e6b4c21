// The script of replay_run.hpp: a trace as steps, and those taken apart by threads or put behind litter.
#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "ashlar/observe/replay_litter.hpp"
#include "ashlar/observe/replay_streams.hpp"
#include "failure.hpp"
#include "replay_run.hpp"
#include "replay_shared.hpp"
#include "start_up.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

constexpr std::uint64_t most_litter = std::uint64_t{256} << 20;  // bytes that stay; as many more are granted and ended

std::span<const std::byte> bytes_of(const auto& value) { return std::as_bytes(std::span(&value, 1)); }

}  // namespace

replay_script::replay_script(trace_reader& trace, const std::string& name, const replay_options& options) {
    file_.append(std::vector<std::byte>(steps_offset));
    facts_ = make_replay_script(trace, [this](std::span<const replay_step> steps) { file_.append(std::as_bytes(steps)); }, options.limit);
    if (facts_.steps == 0) throw failure(failed, name + ": has no allocation in it, so there is nothing to replay");
    libraries_ = run_time_libraries(trace.info().executable);
    if (options.littered || options.threads != replay_threads_mode::serial) rearrange(name, options);
    file_.write_at(0, bytes_of(facts_));
}

replay_script::replay_script(const replay_script& base, std::span<const std::uint8_t> routes) : facts_(base.facts_) {
    const shared_bytes all(base.file_.descriptor(), false);
    std::vector<replay_step> steps(facts_.steps);
    std::memcpy(steps.data(), all.data() + steps_offset, steps.size() * sizeof(replay_step));
    std::size_t next = 0;
    for (auto& step : steps) {
        if (step.op == replay_op::deallocate || next == routes.size()) continue;
        const std::uint8_t route = routes[next++];
        if (route < most_routes_marked && step.op != replay_op::reallocate) step.align_shift = static_cast<std::uint8_t>(route_mark_shift + route);
    }
    file_.append(std::vector<std::byte>(steps_offset));
    file_.append(std::as_bytes(std::span(steps)));
    file_.write_at(0, bytes_of(facts_));
}

void replay_script::rearrange(const std::string& name, const replay_options& options) {
    std::vector<replay_step> steps;
    {
        const shared_bytes all(file_.descriptor(), false);
        const auto* first = reinterpret_cast<const replay_step*>(all.data() + steps_offset);
        steps.assign(first, first + facts_.steps);
    }
    if (options.threads == replay_threads_mode::one) steps = busiest_thread(steps);
    std::vector<replay_step> litter;
    if (options.littered) litter = make_litter(steps, {.seed = options.seed, .bytes = 2 * std::min(most_litter, count_steps(steps).peak_bytes)});
    const std::uint64_t lead_in = litter.size();
    const std::uint64_t litter_slots = count_steps(litter).slots;
    for (auto& step : steps) step.slot += static_cast<std::uint32_t>(litter_slots);
    if (options.threads == replay_threads_mode::recorded) {
        replay_streams all = as_recorded(steps, litter_slots);
        if (all.streams.size() > most_streams) {
            throw failure(failed, fmt::format("{}: {} threads are more than {} at once; --threads serial replays them by one", name,
                                              count_text(all.streams.size()), most_streams));
        }
        for (auto& stream : all.streams) stream.begin += lead_in, stream.end += lead_in;
        streams_facts_.slots = all.slots;
        streams_facts_.steps = lead_in + all.steps.size();
        streams_facts_.awaits = all.awaits;
        streams_facts_.streams = all.streams.size();
        streams_file_.append(std::vector<std::byte>(steps_offset));
        streams_file_.append(std::as_bytes(std::span(litter)));
        streams_file_.append(std::as_bytes(std::span(all.steps)));
        streams_file_.append(std::as_bytes(std::span(all.streams)));
    }
    litter.insert(litter.end(), steps.begin(), steps.end());
    const replay_facts before = facts_;
    facts_ = count_steps(litter);
    facts_.lead_in = lead_in;
    facts_.failed_requests = before.failed_requests;
    facts_.foreign_releases = before.foreign_releases;
    facts_.cut = before.cut;
    if (options.threads != replay_threads_mode::one) facts_.threads = before.threads;
    else facts_.threads = 1;
    if (streams_facts_.steps > 0) {
        const replay_facts woven = streams_facts_;
        streams_facts_ = facts_;
        streams_facts_.slots = woven.slots;
        streams_facts_.steps = woven.steps;
        streams_facts_.awaits = woven.awaits;
        streams_facts_.streams = woven.streams;
        streams_file_.write_at(0, bytes_of(streams_facts_));
    }
    file_ = shared_file();
    file_.append(std::vector<std::byte>(steps_offset));
    file_.append(std::as_bytes(std::span(litter)));
}

packing_bounds replay_script::packing() const {
    const shared_bytes all(file_.descriptor(), false);
    return pack_offline({reinterpret_cast<const replay_step*>(all.data() + steps_offset), facts_.steps}, facts_.slots);
}

}  // namespace ashlar::app
