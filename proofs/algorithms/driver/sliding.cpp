// Random heaps that are compacted, for the oracle. Places and lengths in granules of 16 bytes, tile after tile:
//   T                   a new heap                H  it was compacted
//   I from to           a tile: its room behind the maps
//   O place n movable to  an object that is reachable, in order of place; where it was and where it is after the compaction
//   G intact            1 if contents are as they were, and references refer to the same objects
#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"
#include "trace.hpp"

using namespace ashlar;
using namespace proofs;

namespace {

struct bead {
    gc::member<bead> left, right;
    std::size_t number;
    static constexpr bool gc_relocatable = true;
    static constexpr auto gc_members = gc::members(&bead::left, &bead::right);
};
using array = gc::array<std::uint64_t>;

std::size_t granules(const void* object) { return gc::detail::header_of(object).granules(); }
std::uintptr_t tile_of(const void* object) { return reinterpret_cast<std::uintptr_t>(object) / gc::detail::tile_size; }

struct object {
    const void* before;
    const void* after;
    std::size_t n;
    bool movable;
};

/// What the trace knows of the heap: which objects there are, and what they hold.
class known_heap {
public:
    known_heap(numbers& n, gc::heap& h) : numbers_(n), heap_(h) {}

    void make_some(std::size_t most, bool long_ones) {
        for (std::size_t i = 0; i != most; ++i) {
            if (numbers_.once_in(3)) {
                const std::size_t words = numbers_.below(long_ones ? 3000 : numbers_.once_in(4) ? 200 : 12);
                auto a = heap_.make_array<std::uint64_t>(words);
                for (std::size_t w = 0; w != words; ++w) (*a)[w] = made_ * 4096 + w;
                tiles.insert(tile_of(a.get()));
                if (!numbers_.once_in(3)) arrays_.push_back({a, made_});
            } else {
                auto b = heap_.make<bead>(nullptr, nullptr, made_);
                tiles.insert(tile_of(b.get()));
                if (!beads_.empty()) b->left = beads_[numbers_.below(beads_.size())];
                if (!beads_.empty()) b->right = beads_[numbers_.below(beads_.size())];
                beads_.push_back(b);
            }
            ++made_;
        }
        std::erase_if(beads_, [&](const auto&) { return numbers_.once_in(2); });
        std::erase_if(arrays_, [&](const auto&) { return numbers_.once_in(4); });
        for (const auto& b : beads_) {
            if (numbers_.once_in(6)) b->right = beads_[numbers_.below(beads_.size())];
        }
    }
    void pin_some() {
        pins_.clear();
        array_pins_.clear();
        const std::size_t one_in = 1 + numbers_.below(30);
        for (const auto& b : beads_) if (numbers_.once_in(one_in)) pins_.emplace_back(b);
        for (const auto& a : arrays_) if (numbers_.once_in(one_in)) array_pins_.emplace_back(a.first);
    }

    /// Every object that can be reached, by number; its references by number too.
    struct picture {
        std::map<std::size_t, const void*> at;
        std::map<std::size_t, std::pair<std::size_t, std::size_t>> refs;
        bool intact = true;
    };
    picture look() const {
        picture p;
        std::vector<const bead*> left;
        const auto number_of = [&](const gc::member<bead>& m) {
            if (!m) return static_cast<std::size_t>(-1);
            left.push_back(m.get());
            return m->number;
        };
        for (const auto& b : beads_) left.push_back(b.get());
        while (!left.empty()) {
            const bead* const b = left.back();
            left.pop_back();
            const auto [known, is_new] = p.at.insert({b->number, b});
            if (!is_new) p.intact = p.intact && known->second == b;
            else p.refs[b->number] = {number_of(b->left), number_of(b->right)};
        }
        for (const auto& [a, number] : arrays_) {
            p.at[number] = a.get();
            for (std::size_t w = 0; w != a->size(); ++w) p.intact = p.intact && (*a)[w] == number * 4096 + w;
        }
        return p;
    }
    void compact() {
        const picture was = look();
        std::set<const void*> stay;
        for (const auto& p : pins_) stay.insert(p.get());
        for (const auto& p : array_pins_) stay.insert(p.get());
        std::map<std::size_t, std::size_t> lengths;
        for (const auto& [number, p] : was.at) lengths[number] = granules(p);
        const bool done = heap_.compact();
        const picture is = look();
        std::vector<object> all;
        bool intact = done && was.intact && is.intact && was.refs == is.refs && was.at.size() == is.at.size();
        for (const auto& [number, p] : was.at) {
            const auto now = is.at.find(number);
            intact = intact && now != is.at.end();
            all.push_back({p, now == is.at.end() ? nullptr : now->second, lengths[number], !stay.contains(p)});
        }
        std::sort(all.begin(), all.end(), [](const object& a, const object& b) { return a.before < b.before; });
        const auto first = static_cast<std::uint64_t>(*tiles.begin()) * gc::detail::tile_size;
        const auto place = [&](const void* p) { return (reinterpret_cast<std::uintptr_t>(p) - first) / 16; };
        line{'H'};
        for (const std::uintptr_t t : tiles) {
            const std::size_t begin = (t * gc::detail::tile_size - first) / 16;
            line{'I'} << begin + gc::detail::first_index << begin + gc::detail::indices;
        }
        for (const object& o : all) line{'O'} << place(o.before) << o.n << o.movable << place(o.after);
        line{'G'} << intact;
        std::set<std::uintptr_t> left;
        for (const object& o : all) left.insert(tile_of(o.after));
        tiles = left;  // an empty one went back
    }

    std::set<std::uintptr_t> tiles;

private:
    numbers& numbers_;
    gc::heap& heap_;
    std::size_t made_ = 0;
    std::vector<gc::root<bead>> beads_;
    std::vector<std::pair<gc::root<array>, std::size_t>> arrays_;
    std::vector<gc::pin<bead>> pins_;
    std::vector<gc::pin<array>> array_pins_;
};

void trace(numbers& n, bool large) {
    line{'T'};
    gc::heap h({.automatic = false});
    known_heap known(n, h);
    for (std::size_t round = 0; round != 2; ++round) {
        known.make_some(large ? 400 : 20 + n.below(120), large);
        known.pin_some();
        known.compact();
        if (n.once_in(2)) continue;
        known.pin_some();
        known.compact();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const wanted w(argc, argv);
    numbers n(w.seed);
    for (std::size_t i = 0; i != w.traces; ++i) trace(n, i % 256 == 7);
    line{'E'};
}
