// Each strategy is made here as its user would make it and handed to the loop by its own type. Those that work in a
// fixed buffer get sixteen times the greatest live bytes: who needs more than that is not in question for the trace.
#include "replay_strategies.hpp"

#include <algorithm>
#include <array>
#include <mutex>

#include "ashlar/compose/cached.hpp"
#include "ashlar/compose/locked.hpp"
#include "ashlar/observe/replay_heap.hpp"
#include "ashlar/os/platform.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/buddy.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/first_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/next_fit.hpp"
#include "ashlar/strategy/page.hpp"
#include "ashlar/strategy/segregated.hpp"
#include "ashlar/strategy/system.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "replay_shared.hpp"

namespace ashlar::app {
namespace {

template <allocator A>
bool replay_on(A& strategy, replay_passes& passes) {
    if (passes.wants_sharing()) {
        if constexpr (thread_safe<A>) {
            allocator_heap<A> heap(strategy);
            passes.run_shared(heap);
        } else {
            using shared = locked<A, std::mutex>;
            shared guard(strategy);
            allocator_heap<shared> heap(guard);
            passes.run_shared(heap);
        }
    } else if (passes.wants_telling()) {
        allocator_heap<A, true> heap(strategy);
        passes.run(heap);
    } else {
        allocator_heap<A> heap(strategy);
        passes.run(heap);
    }
    return true;
}

/// A buffer for the strategies that have one. Its pages are there, and charged, when they are touched.
result<block> room_for(const replay_facts& facts) {
    const std::size_t wanted = std::min<std::uint64_t>(facts.bytes_allocated + 32 * facts.steps, 16 * facts.peak_bytes);
    const std::size_t size = align_up(wanted + (std::size_t{1} << 20), std::size_t{1} << 16);
    const auto reserved = os::reserve(size, std::size_t{1} << 21);
    if (!reserved || !os::commit(reserved->data, size)) return alloc_error{};
    return reserved;
}

bool on_system(replay_passes& passes) {
    system strategy;
    return replay_on(strategy, passes);
}
bool on_page(replay_passes& passes) {
    page<> strategy;
    return replay_on(strategy, passes);
}
bool on_bump(replay_passes& passes) {
    const auto room = room_for(passes.facts());
    if (!room) return false;
    bump strategy(*room);
    return replay_on(strategy, passes);
}

template <class Fit>
bool on_free_list(replay_passes& passes) {
    free_list<Fit> strategy;
    return replay_on(strategy, passes);
}

/// With freed blocks of small classes kept for the next request, as the mallocs keep them.
template <class Fit>
bool on_cached(replay_passes& passes) {
    free_list<Fit> heap;
    cached<free_list<Fit>> strategy(heap);
    return replay_on(strategy, passes);
}

bool on_buddy(replay_passes& passes) {
    buddy<> strategy;
    return replay_on(strategy, passes);
}
bool on_segregated(replay_passes& passes) {
    segregated<> strategy;
    return replay_on(strategy, passes);
}

struct entry {
    const char* name;
    bool (*run)(replay_passes&);
};
constexpr std::array strategies{
    entry{"system", on_system},
    entry{"page", on_page},
    entry{"bump", on_bump},
    entry{"first_fit", on_free_list<first_fit>},
    entry{"next_fit", on_free_list<next_fit>},
    entry{"best_fit", on_free_list<best_fit>},
    entry{"tlsf", on_free_list<tlsf>},
    entry{"cached_best_fit", on_cached<best_fit>},
    entry{"cached_tlsf", on_cached<tlsf>},
    entry{"buddy", on_buddy},
    entry{"segregated", on_segregated},
};

}  // namespace

std::vector<std::string> strategy_names() {
    std::vector<std::string> names;
    for (const auto& strategy : strategies) names.emplace_back(strategy.name);
    return names;
}

bool replay_on_strategy(std::string_view name, replay_passes& passes) {
    for (const auto& strategy : strategies) {
        if (strategy.name == name) return strategy.run(passes);
    }
    return false;
}

}  // namespace ashlar::app
