// The worker of `ashlar replay`: one engine, one pass, one process. It is started by the tool, with the engine's
// library preloaded, and touches that heap as little as it can before the replay: no command-line parser, no streams.
#include "replay_worker.hpp"

#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include "replay_order.hpp"
#include "ashlar/foundation/alignment.hpp"
#include "replay_passes.hpp"
#include "replay_shared.hpp"
#include "replay_strategies.hpp"
#include "shared_file.hpp"

namespace ashlar::app {
namespace {

/// Pages that are not counted as this heap's: shared, and there from the start.
template <class T>
std::span<T> table(std::uint64_t count, bool populated) {
    const std::size_t size = (count + 1) * sizeof(T);
    const int flags = MAP_SHARED | MAP_ANONYMOUS | (populated ? MAP_POPULATE : MAP_NORESERVE);
    void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at == MAP_FAILED) return {};
    return {static_cast<T*>(at), count};
}

struct telling_malloc : malloc_heap {
    std::uint64_t last_granted(const std::byte* p) const noexcept { return malloc_usable_size(const_cast<std::byte*>(p)); }
};

/// Our malloc; blocks of steps with a route's mark come from that, where the malloc has it.
class routed_heap : public malloc_heap {
public:
    std::byte* allocate(std::uint64_t size, std::uint64_t align) noexcept {
        if (align >> route_mark_shift == 0) return malloc_heap::allocate(size, align);
        void* const p = routed_ == nullptr ? nullptr : routed_(static_cast<unsigned>(std::countr_zero(align)) - route_mark_shift, size);
        return p != nullptr ? static_cast<std::byte*>(p) : malloc_heap::allocate(size, 1);
    }
    std::byte* allocate_zeroed(std::uint64_t size, std::uint64_t align) noexcept {
        if (align >> route_mark_shift == 0) return malloc_heap::allocate_zeroed(size, align);
        std::byte* const p = allocate(size, align);
        return p == nullptr ? nullptr : static_cast<std::byte*>(std::memset(p, 0, size));
    }

private:
    void* (*routed_)(unsigned, std::size_t) = reinterpret_cast<void* (*)(unsigned, std::size_t)>(dlsym(RTLD_DEFAULT, "ashlar_routed_malloc"));
};

/// The null_heap of many threads: each has a room of its own, or they would fight for its first line.
class null_heaps {
public:
    null_heaps(std::byte* room, std::uint64_t stride) : room_(room), stride_(stride) {}

    std::byte* allocate(std::uint64_t, std::uint64_t) noexcept { return mine(); }
    std::byte* allocate_zeroed(std::uint64_t, std::uint64_t) noexcept { return mine(); }
    std::byte* reallocate(std::byte*, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) noexcept { return mine(); }
    void deallocate(std::byte*, std::uint64_t, std::uint64_t) noexcept {}

private:
    std::byte* mine() noexcept {
        static thread_local std::byte* room = nullptr;
        if (room == nullptr) room = room_ + stride_ * next_.fetch_add(1);
        return room;
    }

    std::byte* room_;
    std::uint64_t stride_;
    std::atomic<std::uint64_t> next_{0};
};

bool run_null(replay_passes& passes) {
    const std::uint64_t stride = align_up(passes.facts().largest_bytes, std::uint64_t{4096});
    const auto room = table<std::byte>((passes.facts().streams + 1) * stride, false);
    if (room.data() == nullptr) return false;
    if (passes.wants_sharing()) {
        null_heaps heap(room.data(), stride);
        passes.run_shared(heap);
    } else {
        null_heap heap(room.data());
        passes.run(heap);
    }
    return true;
}

bool run_engine(std::string_view engine, replay_passes& passes) {
    if (engine == "none") return run_null(passes);
    if (engine == "malloc" && passes.wants_sharing()) {
        malloc_heap heap;
        passes.run_shared(heap);
        return true;
    }
    if (engine == "sites") {
        routed_heap heap;
        passes.run(heap);
        return true;
    }
    if (engine == "malloc" || (engine == "system" && passes.wants_telling())) {
        telling_malloc heap;
        passes.run(heap);
        return true;
    }
    return replay_on_strategy(engine, passes);
}

bool work(char** argument) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a replay that nobody waits for must end
    const shared_bytes script(script_descriptor, false);
    const shared_bytes outcome(outcome_descriptor, true);
    const shared_bytes ticks(ticks_descriptor, true);
    const shared_bytes sights(sights_descriptor, true);
    replay_passes::tables with;
    std::memcpy(&with.facts, script.data(), sizeof with.facts);
    const auto steps = std::min<std::uint64_t>(with.facts.steps, std::strtoull(argument[4], nullptr, 10));
    with.steps = {reinterpret_cast<const replay_step*>(script.data() + steps_offset), steps};
    const auto* streams = reinterpret_cast<const replay_stream*>(script.data() + steps_offset + with.facts.steps * sizeof(replay_step));
    if (with.facts.streams > most_streams) return false;
    with.streams = {streams, with.facts.streams};
    with.marks = table<replay_mark>(with.facts.streams, true);  // zeros: nobody has done anything
    with.slots = table<replay_slot>(with.facts.slots, true);
    with.generations = table<std::uint32_t>(with.facts.slots, true);
    with.ticks = {reinterpret_cast<std::uint32_t*>(ticks.data()), ticks.size() / sizeof(std::uint32_t)};
    with.granted = table<std::uint64_t>(with.facts.slots, false);
    with.sights = reinterpret_cast<replay_sights*>(sights.data());
    if (with.slots.data() == nullptr || with.generations.data() == nullptr || with.granted.data() == nullptr) return false;

    const auto which = static_cast<replay_pass>(std::atoi(argument[1]));
    const auto touch = static_cast<replay_touch>(std::atoi(argument[2]));
    const double ns_per_tick = which == replay_pass::latency ? nanoseconds_per_tick() : 0;
    replay_passes passes(with, which, touch, std::strtoull(argument[3], nullptr, 10) * 1'000'000);
    if (!run_engine(argument[0], passes)) return false;
    replay_outcome told = passes.outcome();
    told.ns_per_tick = ns_per_tick;
    std::memcpy(outcome.data(), &told, sizeof told);
    return true;
}

}  // namespace

int replay_worker(int count, char** arguments) {
    if (count != 5) return 2;
    try {
        return work(arguments) ? 0 : 1;
    } catch (const std::exception&) {
        return 1;  // the outcome stays `died`
    }
}

}  // namespace ashlar::app
