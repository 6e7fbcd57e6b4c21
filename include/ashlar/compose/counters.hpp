// ashlar/compose/counters.hpp - what tracked can count; each one is chosen, and paid for, by itself.
//
// Layer:      compose
// Source:     StatsCollector of D's std.experimental.allocator: flags choose the figures at compile time.
// Complexity: an addition or two an event; block_records a look-up in a table.
// Failure:    only block_records can refuse, where its table cannot grow; nothing has changed then.
// Threads:    one at a time.
// Checked by: tests/compose/counters_test.cpp, tests/compose/tracked_test.cpp
//
// A counter is a class with any of these members; what it has not costs nothing:
//   on_grant(p, l)  on_release(p, l)  on_resize(p, old, at, now)  on_refusal(l)  on_reset()
//   make_room() -> bool         asked before a request; false refuses it
//   exact_sizes                 true: blocks are granted just as long as asked, so that releases add up
// Without on_resize a resize is a release and a grant.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ashlar/compose/block_table.hpp"
#include "ashlar/foundation/event.hpp"
#include "ashlar/foundation/size_class.hpp"
#include "ashlar/os/platform.hpp"

namespace ashlar {

/// Bytes asked for of the live blocks.
struct live_bytes {
    static constexpr bool exact_sizes = true;
    std::size_t value = 0;
    void on_grant(const std::byte*, layout l) noexcept { value += l.size(); }
    void on_release(const std::byte*, layout l) noexcept { value -= l.size(); }
    void on_reset() noexcept { value = 0; }
};

/// The most bytes that were live at once.
struct peak_bytes {
    static constexpr bool exact_sizes = true;
    std::size_t value = 0;
    std::size_t now_live = 0;
    void on_grant(const std::byte*, layout l) noexcept {
        now_live += l.size();
        if (now_live > value) value = now_live;
    }
    void on_release(const std::byte*, layout l) noexcept { now_live -= l.size(); }
    void on_reset() noexcept { now_live = 0; }
};

struct live_blocks {
    std::size_t value = 0;
    void on_grant(const std::byte*, layout) noexcept { ++value; }
    void on_release(const std::byte*, layout) noexcept { --value; }
    void on_resize(const std::byte*, layout, const std::byte*, layout) noexcept {}
    void on_reset() noexcept { value = 0; }
};

/// Blocks granted since the beginning; a resize is no new block.
struct total_blocks {
    std::uint64_t value = 0;
    void on_grant(const std::byte*, layout) noexcept { ++value; }
    void on_resize(const std::byte*, layout, const std::byte*, layout) noexcept {}
};

/// Bytes asked for since the beginning; a resize counts what it adds.
struct total_bytes {
    std::uint64_t value = 0;
    void on_grant(const std::byte*, layout l) noexcept { value += l.size(); }
    void on_resize(const std::byte*, layout old, const std::byte*, layout now) noexcept {
        if (now.size() > old.size()) value += now.size() - old.size();
    }
};

/// Requests refused, in-place ones too, and the size last refused.
struct refusals {
    std::uint64_t value = 0;
    std::size_t last_size = 0;
    void on_refusal(layout l) noexcept {
        ++value;
        last_size = l.size();
    }
};

/// Blocks granted, by size class; the last place counts what is larger than any class.
struct size_histogram {
    std::array<std::uint64_t, size_class_count + 1> blocks{};
    void on_grant(const std::byte*, layout l) noexcept {
        ++blocks[l.size() <= size_class_max ? class_of_size(l.size()) : size_class_count];
    }
    void on_resize(const std::byte*, layout, const std::byte*, layout) noexcept {}
};

/// No time, but numbers in the order of the grants.
struct order_clock {
    std::uint64_t now = 0;
    std::uint64_t operator()() noexcept { return ++now; }
};

/// Steady time.
struct nanosecond_clock {
    std::uint64_t operator()() const noexcept { return os::now_ns(); }
};

/// Every live block: address, layout, and the time of its grant by a clock of your choice (S17).
template <class Clock = nanosecond_clock>
struct block_records {
    Clock clock;
    block_table table;

    bool make_room() noexcept { return table.make_room(); }
    void on_grant(std::byte* p, layout l) noexcept { table.insert({p, l.size(), l, clock()}); }
    void on_release(const std::byte* p, layout) noexcept { table.remove(p); }
    void on_resize(const std::byte* p, layout, std::byte* at, layout now) noexcept {
        const std::uint64_t born = table.find(p)->note;
        table.remove(p);
        table.insert({at, now.size(), now, born});
    }
    void on_reset() noexcept { table.clear(); }
};

/// Tells every event to a sink, any object that is called with an event: observe/trace_sink.hpp writes a trace. The sink
/// stamps time and thread itself; of a reset it is told if it has forget_blocks().
template <class Sink>
struct event_observer {
    Sink* sink = nullptr;

    void on_grant(const std::byte* p, layout l) const noexcept { tell(event_kind::aligned_alloc, p, l, nullptr, false); }
    void on_release(const std::byte* p, layout l) const noexcept {
        tell(event_kind::free_aligned_sized, p, l, nullptr, false);
    }
    void on_resize(const std::byte* p, layout, const std::byte* at, layout now) const noexcept {
        tell(event_kind::realloc, at, now, p, false);
    }
    void on_refusal(layout l) const noexcept { tell(event_kind::aligned_alloc, nullptr, l, nullptr, true); }
    void on_reset() const noexcept {
        if constexpr (requires(Sink& s) { s.forget_blocks(); }) {
            if (sink != nullptr) sink->forget_blocks();
        }
    }

private:
    void tell(event_kind kind, const std::byte* p, layout l, const std::byte* old, bool failed) const noexcept {
        if (sink == nullptr) return;
        event e;
        e.kind = kind;
        e.address = reinterpret_cast<std::uintptr_t>(p);
        e.size = l.size();
        e.alignment = states_alignment(kind) ? l.align() : 0;
        e.old_address = reinterpret_cast<std::uintptr_t>(old);
        e.failed = failed;
        (*sink)(e);
    }
};

/// Several counters as one: each is told what it has a member for.
template <class... Counters>
class counter_set : Counters... {
    template <class C>
    static constexpr bool wants_exact_sizes = requires { requires C::exact_sizes; };
    template <class C>
    static constexpr bool wants_releases = requires(C& c, std::byte* p, layout l) { c.on_release(p, l); };

public:
    static constexpr bool exact = (wants_exact_sizes<Counters> || ...);
    static constexpr bool told_of_releases = (wants_releases<Counters> || ...);

    template <class C>
    C& counter() noexcept {
        return *this;
    }
    template <class C>
    const C& counter() const noexcept {
        return *this;
    }
    bool room() noexcept { return (has_room(counter<Counters>()) && ...); }
    void grant([[maybe_unused]] std::byte* p, [[maybe_unused]] layout l) noexcept {
        (tell_grant(counter<Counters>(), p, l), ...);
    }
    void release([[maybe_unused]] std::byte* p, [[maybe_unused]] layout l) noexcept {
        (tell_release(counter<Counters>(), p, l), ...);
    }
    void resize([[maybe_unused]] std::byte* p, [[maybe_unused]] layout old, [[maybe_unused]] std::byte* at,
                [[maybe_unused]] layout now) noexcept {
        (tell_resize(counter<Counters>(), p, old, at, now), ...);
    }
    void refusal([[maybe_unused]] layout l) noexcept { (tell_refusal(counter<Counters>(), l), ...); }
    void reset() noexcept { (tell_reset(counter<Counters>()), ...); }

private:
    template <class C>
    static bool has_room([[maybe_unused]] C& c) noexcept {
        if constexpr (requires { c.make_room(); }) return c.make_room();
        return true;
    }
    template <class C>
    static void tell_grant([[maybe_unused]] C& c, [[maybe_unused]] std::byte* p, [[maybe_unused]] layout l) noexcept {
        if constexpr (requires { c.on_grant(p, l); }) c.on_grant(p, l);
    }
    template <class C>
    static void tell_release([[maybe_unused]] C& c, [[maybe_unused]] std::byte* p, [[maybe_unused]] layout l) noexcept {
        if constexpr (requires { c.on_release(p, l); }) c.on_release(p, l);
    }
    template <class C>
    static void tell_resize(C& c, std::byte* p, layout old, std::byte* at, layout now) noexcept {
        if constexpr (requires { c.on_resize(p, old, at, now); }) {
            c.on_resize(p, old, at, now);
        } else {
            tell_release(c, p, old);
            tell_grant(c, at, now);
        }
    }
    template <class C>
    static void tell_refusal([[maybe_unused]] C& c, [[maybe_unused]] layout l) noexcept {
        if constexpr (requires { c.on_refusal(l); }) c.on_refusal(l);
    }
    template <class C>
    static void tell_reset([[maybe_unused]] C& c) noexcept {
        if constexpr (requires { c.on_reset(); }) c.on_reset();
    }
};

}  // namespace ashlar
