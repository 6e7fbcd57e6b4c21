// ashlar/testing/ground.hpp - the memory an allocator under test stands on: watched, guarded, and able to fail.
//
// Layer:      testing
// Picture:    arena  [ slot | slot | slot | ... ]   a grant begins `align` bytes into a slot of 128 KiB:
//             slot   [ guard | grant ............ | guard | nobody's ]
// Complexity: as the model that keeps its books; a grant is filled, its guards are compared on demand.
// Failure:    refuses beyond its capacity and wherever the failure plan says so.
// Threads:    one ground a thread at a time.
// Invariants: ground.I1  grants are in distinct slots, so no two of them touch
//             ground.I2  a grant of alignment a begins at an odd multiple of a: no more aligned than was asked
// Checked by: tests/testing/ground_test.cpp
//
// An allocator that aligns offsets instead of addresses, writes past the end of its memory, into memory that it
// has returned, or takes memory for zero, is caught here. Two grounds of different placement lay the same
// requests out at different addresses, alike modulo the slot: that is what law C8 compares.
#pragma once

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ashlar/compose/failing.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/testing/model.hpp"

namespace ashlar::testing {

/// An upstream whose books are the model.
class source {
public:
    static constexpr std::size_t slot = std::size_t{1} << 17;
    static constexpr std::size_t slots = 512;
    static constexpr std::size_t guard = 64;

    source(std::size_t capacity, placement where) : capacity_(capacity), where_(where) {
        books_ = model::map(std::move(books_), range_of(arena())).after;
        vacant_ = books_.free;
    }
    source(const source&) = delete;
    source& operator=(const source&) = delete;

    result<block> allocate(layout l) noexcept {
        const auto place = choose(l);
        if (!place) return alloc_error{};
        books_ = model::grant(std::move(books_), l, *place).after;
        vacant_.erase(slots_of(*place));
        returned_.erase(slots_of(*place));
        auto* data = pointer(place->begin);
        unpoison(data - guard, l.size() + 2 * guard);  // an allocator that was left half way may have poisoned it
        std::memset(data - guard, guard_byte, guard);
        std::memset(data, fresh_byte, l.size());
        std::memset(data + l.size(), guard_byte, guard);
        held_bytes_ += l.size();
        ++grants_;
        return block{data, l.size()};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        auto done = model::deallocate(std::move(books_), address_of(p), l);
        books_ = std::move(done.after);
        if (!done.broken.empty()) {
            if (misuse_.empty()) misuse_ = done.broken;
            return;
        }
        held_bytes_ -= done.place->size();
        unpoison(p, done.place->size());
        std::memset(p, returned_byte, done.place->size());
        returned_.insert(*done.place);
        vacant_.insert(slots_of(*done.place));
    }
    bool available(layout l) const noexcept { return choose(l).has_value(); }
    bool owns(const std::byte* p) const noexcept { return books_.mapped.contains(range_of(p, 1)); }

    /// What has been granted and not given back.
    interval_set held() const {
        interval_set all;
        for (const auto& [begin, b] : books_.live) all.insert(model::extent(begin, b));
        return all;
    }
    std::size_t grants() const { return grants_; }

    /// Whatever should not have been written, or given back. Nothing, if all is well.
    std::optional<std::string> damage() const {
        if (!misuse_.empty()) return "memory was given back to the upstream wrongly: " + std::string(misuse_);
        for (const auto& [begin, b] : books_.live) {
            const range r = model::extent(begin, b);
            if (!filled({r.begin - guard, r.begin}, guard_byte)) return "wrote before the beginning of its memory";
            if (!filled({r.end, r.end + guard}, guard_byte)) return "wrote past the end of its memory";
        }
        bool untouched = true;
        returned_.for_each([&](range r) {  // both ends: that is where lists and headers lie
            const std::size_t n = r.size() < 512 ? r.size() : 512;
            untouched = untouched && filled({r.begin, r.begin + n}, returned_byte) && filled({r.end - n, r.end}, returned_byte);
        });
        if (!untouched) return "wrote into memory that it had given back";
        return std::nullopt;
    }

private:
    static constexpr int guard_byte = 0xFD;
    static constexpr int fresh_byte = 0xDB;
    static constexpr int returned_byte = 0xEE;

    static std::byte* pointer(address a) { return reinterpret_cast<std::byte*>(a); }

    static bool filled(range r, int value) {
        const auto* p = pointer(r.begin);
        return r.size() == 0 || (std::to_integer<int>(*p) == value && std::memcmp(p, p + 1, r.size() - 1) == 0);
    }

    // A grant takes whole slots; alignments beyond the slot are refused.
    std::optional<range> choose(layout l) const {
        if (l.align() > slot || l.size() > capacity_ - held_bytes_) return std::nullopt;
        const std::size_t into = l.align() < guard ? guard + l.align() : l.align();
        const auto whole = layout::make(into + l.size() + guard, slot);
        const auto chosen = whole ? model::choose(vacant_, whole->padded(), where_) : std::nullopt;
        if (!chosen) return std::nullopt;
        return range{chosen->begin + into, chosen->begin + into + l.size()};
    }
    static range slots_of(range r) {
        return {align_down(r.begin - guard, static_cast<address>(slot)),
                align_up(r.end + guard, static_cast<address>(slot))};
    }

    struct release {
        void operator()(std::byte* p) const { std::free(p); }
    };
    // One arena a thread, used again by every ground: only what is touched costs memory.
    static block arena() {
        thread_local std::unique_ptr<std::byte, release> memory{
            static_cast<std::byte*>(std::aligned_alloc(slot, slot * slots))};
        ASHLAR_PRE(memory != nullptr);  // the kit cannot test without it
        return {memory.get(), slot * slots};
    }

    std::size_t capacity_;
    placement where_;
    state books_;
    interval_set vacant_;    // slots that no grant lies in
    interval_set returned_;  // given back, and not granted again
    std::size_t held_bytes_ = 0;
    std::size_t grants_ = 0;
    std::string_view misuse_;
};

/// Something else that an allocator under test takes memory from, and that can refuse (a page source, say).
struct other_source {
    std::function<void(std::size_t n, failure how)> arm;       ///< refuse the n-th request from now; 0: none
    std::function<std::size_t()> refusals;                     ///< since it was made
    std::function<std::optional<std::string>()> still_held{};  ///< what was not given back, once all should be
};

/// What a factory builds an allocator on. Whatever it hands out lives until the ground ends.
class ground {
public:
    using upstream_type = failing<source>;

    explicit ground(std::size_t capacity = std::size_t{1} << 20, placement where = placement::lowest)
        : source_(capacity, where), upstream_(source_, plan_) {}
    ground(const ground&) = delete;
    ground& operator=(const ground&) = delete;

    /// An allocator to take memory from. It refuses what the plan says.
    upstream_type& upstream() {
        watched_ = true;
        return upstream_;
    }
    /// Memory that is there from the beginning and is never given back.
    block buffer(std::size_t size, std::size_t align = alignof(std::max_align_t)) {
        watched_ = true;
        const auto l = layout::make(size, align);
        const auto granted = l ? source_.allocate(*l) : result<block>(alloc_error{});
        ASHLAR_PRE(granted.has_value());  // a buffer is asked for before anything can be refused
        buffers_.insert(range_of(*granted));
        return *granted;
    }
    /// Makes a companion that the allocator needs (a failing page source, say); it outlives the allocator.
    template <class T, class... Arguments>
    T& keep(Arguments&&... arguments) {
        auto made = std::make_shared<T>(std::forward<Arguments>(arguments)...);
        kept_.push_back(made);
        return *made;
    }
    /// Lets sweeps refuse the requests to that source too, and look whether it got everything back.
    void watch(other_source s) {
        if (armed_at_ != 0) s.arm(armed_at_, armed_how_);
        others_.push_back(std::move(s));
    }

    // ---- for the kit ----------------------------------------------------------------------------------

    /// The n-th request from now is refused, to each source.
    void refuse(std::size_t n, failure how) {
        armed_at_ = n;
        armed_how_ = how;
        plan_.arm(n, how);
        for (const other_source& s : others_) s.arm(n, how);
    }
    std::size_t refusals() const {
        std::size_t sum = plan_.refusals();
        for (const other_source& s : others_) sum += s.refusals();
        return sum;
    }
    failure_plan& plan() { return plan_; }
    /// What is held once the allocator has ended. Only the buffers, which are the ground's own, may be.
    std::optional<std::string> still_held() const {
        if (managed() != buffers_) return "the allocator ended without giving back all it held of its upstream";
        for (const other_source& s : others_) {
            if (auto held = s.still_held ? s.still_held() : std::nullopt) return held;
        }
        return std::nullopt;
    }

    /// Whether the allocator stands on this ground: only then are its bounds known.
    bool watched() const { return watched_; }
    interval_set managed() const { return source_.held(); }
    std::size_t grants() const { return source_.grants(); }
    std::optional<std::string> damage() const { return source_.damage(); }

private:
    failure_plan plan_;
    source source_;
    upstream_type upstream_;
    interval_set buffers_;
    std::vector<std::shared_ptr<void>> kept_;
    std::vector<other_source> others_;
    std::size_t armed_at_ = 0;
    failure armed_how_ = failure::once;
    bool watched_ = false;
};

/// The allocator that a factory makes: `A make(ground&)`, built where it stands (it need not be movable).
template <class Factory>
using made_by = std::invoke_result_t<const Factory&, ground&>;

template <class Factory>
concept allocator_factory = std::invocable<const Factory&, ground&> && allocator<made_by<Factory>>;

}  // namespace ashlar::testing
