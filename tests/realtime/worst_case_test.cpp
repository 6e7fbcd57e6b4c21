#include "ashlar/realtime/worst_case.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace ashlar;

namespace {

using tlsf_heap = rt_heap<tlsf>;
using powers = rt_heap<half_fit>;
using powers_outside = rt_heap<half_fit, headers::outside>;

/// A program that stays within its demand, and counts what it was refused.
template <class Heap>
class client {
public:
    client(heap_demand d, std::size_t units) : demand(d), memory_(Heap::memory_bytes(units)), heap_({memory_.data(), memory_.size()}) {}

    heap_demand demand;
    std::size_t refused = 0;
    struct owned {
        std::byte* p;
        std::size_t size;
    };
    std::vector<owned> live;

    /// @returns false where it would pass the demand, or was refused
    bool ask(std::size_t size) {
        if (size < demand.least || size > demand.largest || size > demand.live_bytes - bytes_) return false;
        const auto granted = heap_.allocate(*layout::make(size, 8));
        if (!granted) return ++refused, false;
        live.push_back({granted->data, size});
        bytes_ += size;
        return true;
    }
    void give(std::size_t i) {
        heap_.deallocate(live[i].p, *layout::make(live[i].size, 8));
        bytes_ -= live[i].size;
        live[i] = live.back();
        live.pop_back();
    }
    template <class Keep>
    void give_all_but(Keep keep) {
        for (std::size_t i = live.size(); i-- != 0;) {
            if (!keep(live[i])) give(i);
        }
    }
    std::size_t offset(const owned& b) const { return static_cast<std::size_t>(b.p - memory_.data()); }

private:
    std::vector<std::byte> memory_;
    Heap heap_;
    std::size_t bytes_ = 0;
};

/// Robson's: of each power of two as many as there may be; then all go but those that cover a point of a grid twice as wide.
template <class Client>
void robson(Client& c, std::size_t offset) {
    for (std::size_t size = c.demand.least; size <= c.demand.largest; size *= 2) {
        while (c.ask(size)) {}
        const std::size_t grid = 2 * (size + 8);
        c.give_all_but([&](const auto& b) { return (c.offset(b) + offset) % grid < b.size + 8; });
    }
}
/// The least blocks everywhere, every so many of them kept; then the largest.
template <class Client>
void comb(Client& c, std::size_t teeth) {
    while (c.ask(c.demand.least)) {}
    std::size_t n = 0;
    c.give_all_but([&](const auto&) { return n++ % teeth == 0; });
    while (c.ask(c.demand.largest)) {}
}
/// Sizes just above powers of two, each split off the front of a longer block, and the least behind it.
template <class Client>
void splits(Client& c, std::size_t extra) {
    for (std::size_t size = c.demand.largest; size >= 2 * c.demand.least; size /= 2) {
        while (c.ask(size / 2 + extra) && c.ask(c.demand.least)) {}
        c.give_all_but([&](const auto& b) { return b.size == c.demand.least; });
    }
    while (c.ask(c.demand.largest)) {}
}
template <class Client>
void any(Client& c, std::mt19937& dice) {
    for (int i = 0; i < 400; ++i) {
        const std::size_t size = std::size_t{1} << dice() % 13;
        if (dice() % 3 != 0) c.ask(size + dice() % 3);
        else if (!c.live.empty()) c.give(dice() % c.live.size());
    }
}

/// All of them, one after the other on the same heap, in turns. @returns how often the program was refused
template <class Heap>
std::size_t attack(heap_demand d, std::size_t units) {
    client<Heap> c(d, units);
    std::mt19937 dice(3);
    for (unsigned round = 0; round < 12; ++round) {
        robson(c, dice() % 4096);
        comb(c, 1 + d.largest / d.least * (1 + dice() % 2));
        splits(c, 1 + dice() % 16);
        any(c, dice);
        if (round % 3 == 2) c.give_all_but([](const auto&) { return false; });
    }
    return c.refused;
}

/// Every state of a small heap that a program within its demand can reach. @returns whether it is refused in none
bool never_refused(heap_demand d, std::size_t units, std::size_t& states) {
    struct step {
        std::size_t from;
        std::size_t size;  // asked for; 0: the block at `at` is given back
        std::size_t at;
    };
    std::vector<std::byte> memory(powers_outside::memory_bytes(units)), table(powers_outside::table_bytes(memory.size()));
    powers_outside heap({memory.data(), units * 16}, {table.data(), table.size()});
    std::vector<step> steps{{0, 0, 0}};
    std::set<std::string> seen;
    std::vector<std::pair<std::size_t, std::size_t>> live;  // offset, size
    // Lays the state out anew: the heap, and what is live in it. @returns whether nothing was refused
    const auto replay = [&](std::size_t last) {
        std::vector<step> path;
        for (std::size_t i = last; i != 0; i = steps[i].from) path.push_back(steps[i]);
        heap.reset();
        live.clear();
        for (; !path.empty(); path.pop_back()) {
            const auto [from, size, at] = path.back();
            if (size == 0) {
                heap.deallocate(memory.data() + live[at].first, *layout::make(live[at].second, 8));
                live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
            } else if (const auto granted = heap.allocate(*layout::make(size, 8))) {
                live.emplace_back(granted->data - memory.data(), size);
            } else {
                return false;
            }
        }
        std::sort(live.begin(), live.end());
        return true;
    };
    // What the next operations depend on: the blocks, and of free ones their neighbours in the list.
    const auto key = [&] {
        std::string text;
        const auto* record = reinterpret_cast<const std::uint32_t*>(table.data());
        for (std::size_t at = 1; at <= units; at += record[4 * at] / 2) {
            text += static_cast<char>(record[4 * at]);
            if (record[4 * at] % 2 != 0) (text += static_cast<char>(record[4 * at + 2])) += static_cast<char>(record[4 * at + 3]);
        }
        return text;
    };
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (!replay(i)) return false;
        if (!seen.insert(key()).second) continue;
        std::size_t bytes = 0;
        for (const auto& [at, size] : live) bytes += size;
        for (std::size_t size = d.least; size <= d.largest && size <= d.live_bytes - bytes; size *= 2) steps.push_back({i, size, 0});
        for (std::size_t at = 0; at < live.size(); ++at) steps.push_back({i, 0, at});
    }
    states = seen.size();
    return true;
}

}  // namespace

TEST_CASE("worst_case: the bounds are constants of the program", "[realtime][worst_case]") {
    // One size: nothing fragments, and the bound of powers of two is the blocks themselves but for their rounding.
    static_assert(most_live_units<rt_heap<half_fit, headers::outside>>({1024, 64, 64}) == 64);
    static_assert(worst_case_units<rt_heap<half_fit, headers::outside>>({1024, 16, 16}) == 64);
    static_assert(worst_case_units<rt_heap<tlsf, headers::outside>>({1024, 16, 16}) == 64);
    // A million bytes in blocks of 64 to 4,096: powers of two are known to need less.
    constexpr heap_demand d{1 << 20, 4096, 64};
    static_assert(worst_case_bytes<powers>(d) < worst_case_bytes<tlsf_heap>(d));
    static_assert(worst_case_bytes<powers>(d) < 25 * d.live_bytes);
    static_assert(worst_instructions<tlsf_heap>().allocate <= 168);
    CHECK(worst_case_bytes<powers>(d) > d.live_bytes);
}

TEST_CASE("worst_case: no sequence of requests of a small heap of powers of two is refused", "[realtime][worst_case]") {
    std::size_t states = 0;
    for (const heap_demand d : {heap_demand{64, 32, 16}, {96, 32, 16}, {64, 64, 16}, {80, 64, 16}}) {
        const std::size_t units = worst_case_units<powers_outside>(d);
        CHECK(never_refused(d, units, states));
        CHECK(states > 20);
        CHECK_FALSE(never_refused(d, d.live_bytes / 16, states));  // the search finds what there is to find
    }
}

TEST_CASE("worst_case: adversaries are never refused by a heap of the size computed for them", "[realtime][worst_case]") {
    for (const heap_demand d : {heap_demand{1 << 14, 512, 16}, {1 << 14, 1 << 12, 24}, {30'000, 1000, 10}}) {
        CHECK(attack<powers>(d, worst_case_units<powers>(d)) == 0);
        CHECK(attack<tlsf_heap>(d, worst_case_units<tlsf_heap>(d)) == 0);
        CHECK(attack<powers>(d, most_live_units<powers>(d)) != 0);  // and are refused by one that has just what is live
        CHECK(attack<tlsf_heap>(d, most_live_units<tlsf_heap>(d)) != 0);
    }
}
