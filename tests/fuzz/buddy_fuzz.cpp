// tests/fuzz/buddy_fuzz.cpp - a buddy heap against the one rule: what is free is every largest aligned power of two without a live block in it.
#include <algorithm>
#include <vector>

#include "ashlar/strategy/buddy.hpp"
#include "blocks.hpp"

using namespace ashlar;

namespace {

using heap_type = buddy<testing::ground::upstream_type>;
using testing::address;

class client {
public:
    client(std::size_t top, std::size_t capacity) : ground_(capacity), heap_(ground_.upstream(), std::size_t{1} << top), top_(top) {}

    void act(fuzz::bytes& b) {
        const std::size_t way = b.below(16);
        const layout l = fuzz::any_layout(b);  // what is chosen is chosen in this order, whatever the compiler
        if (live_.all().empty() || way < 7) allocate(l);
        else if (way < 12) deallocate(live_.any(b));
        else if (way < 14) resize(live_.any(b), 1 + l.size() % 4096);
        else if (way == 14) heap_.trim();
        else ground_.refuse(l.size() % 3, l.align() == 1 ? failure::from_then_on : failure::once);
        compare();
    }
    void finish() {
        while (!live_.all().empty()) deallocate(live_.all().begin());
        compare();
        REQUIRE(free_.size() <= 1);
        for (const block& f : free_) REQUIRE(f.size == std::size_t{1} << top_);  // all freed: one block again, that of the region that is kept
        heap_.reset();
        REQUIRE(!ground_.still_held());
        REQUIRE(!ground_.damage());
    }

private:
    static std::size_t order(layout l) {
        std::size_t k = 4;
        while (k < 63 && (std::size_t{1} << k) < std::max(l.size(), l.align())) ++k;
        return k;
    }
    /// Of a request above the region's size.
    bool is_whole(layout l) const { return order(l) > top_; }

    void allocate(layout l) {
        const bool expected = std::as_const(heap_).available(l);
        const std::size_t grants = ground_.grants(), refusals = ground_.refusals();
        const auto granted = heap_.allocate(l);
        REQUIRE(granted.has_value() == (expected && ground_.refusals() == refusals));  // C4
        if (has_free(order(l))) REQUIRE(granted.has_value() && ground_.grants() == grants);
        if (!granted) return;
        REQUIRE(is_whole(l) || granted->size == std::size_t{1} << order(l));
        live_.add(*granted, l);
    }
    bool has_free(std::size_t of_order) const {
        for (const block f : free_) if (of_order <= top_ && f.size >= std::size_t{1} << of_order) return true;
        return false;
    }
    void deallocate(fuzz::live_blocks::map::iterator at) {
        std::byte* const p = at->first;
        heap_.deallocate(p, live_.remove(at).asked);
    }
    void resize(fuzz::live_blocks::map::iterator at, std::size_t bytes) {
        const auto [p, was] = *at;
        const layout now = *layout::make(bytes, was.asked.align());
        const bool grows = now.size() >= was.asked.size();
        const auto done = grows ? heap_.grow_in_place(p, was.asked, now) : heap_.shrink_in_place(p, was.asked, now);
        if (!is_whole(was.asked)) REQUIRE(done.has_value() == (grows ? has_room_behind(p, was, now) : true));
        if (!done) return;
        REQUIRE(done->data == p);
        live_.remove(at, std::min(done->size, was.size));
        live_.add(*done, now);
    }
    /// Its block of the new order begins where it begins, and the rest of that is free.
    bool has_room_behind(std::byte* p, const fuzz::live_blocks::one& was, layout now) const {
        const std::size_t wanted = std::size_t{1} << order(now);
        if (is_whole(now) || !is_aligned(p, wanted)) return false;
        std::size_t found = was.size;
        for (const block f : free_) found += f.data > p && f.data < p + wanted && f.end() <= p + wanted ? f.size : 0;
        return found == wanted;
    }

    /// The rule, region by region: each begins where the upstream granted it (buddy_region.I2).
    void compare() {
        REQUIRE(heap_.consistent());
        free_.clear();
        ground_.managed().for_each([&](testing::range r) {
            const auto first = live_.all().lower_bound(reinterpret_cast<std::byte*>(r.begin));
            const bool whole = first != live_.all().end() && testing::address_of(first->first) == r.begin && is_whole(first->second.asked);
            if (!whole) halve(reinterpret_cast<std::byte*>(r.begin), top_);
        });
        for (std::size_t k = 4; k <= top_; ++k) {
            const auto of_order = std::count_if(free_.begin(), free_.end(), [k](const block& f) { return f.size == std::size_t{1} << k; });
            REQUIRE(heap_.free_blocks(k) == static_cast<std::size_t>(of_order));
        }
        testing::interval_set expected, shown;
        for (const block& f : free_) expected.insert(testing::range_of(f));
        heap_.for_each_free([&](block range) { shown.insert(testing::range_of(range)); });
        REQUIRE(shown == expected);
    }
    void halve(std::byte* begin, std::size_t k) {
        const std::size_t bytes = std::size_t{1} << k;
        const auto in = live_.all().lower_bound(begin);
        if (in == live_.all().end() || in->first >= begin + bytes) return free_.push_back({begin, bytes});
        if (in->first == begin && in->second.size == bytes) return;
        REQUIRE(k > 4);
        halve(begin, k - 1);
        halve(begin + bytes / 2, k - 1);
    }

    testing::ground ground_;
    heap_type heap_;
    std::size_t top_;
    fuzz::live_blocks live_;
    std::vector<block> free_;  ///< what must be free, by the rule
};

}  // namespace

void fuzz::interpret(bytes b) {
    const std::size_t top = 8 + b.below(6), regions = b.below(8);
    client c(top, (std::size_t{1} << top) * (1 + regions * regions));
    for (std::size_t n = 0; !b.empty() && n < 400; ++n) c.act(b);
    c.finish();
}
