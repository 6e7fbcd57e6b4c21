// Random traces of free_list with each policy, for the oracle: what was asked, what came of it, and what is free then.
//
// Lines, addresses and sizes in granules of 16 bytes unless said otherwise:
//   T policy least    a new heap; 0 first, 1 next, 2 best fit, 3 tlsf
//   X first span      a region came: its blocks' room           R  one was refused
//   A size align p n  asked, in bytes; granted n granules at p, or p is -1
//   F p size align k  freed, p too in bytes; k is 1 if no contract was broken
//   D first span      a region went                             S (begin length)...  the free blocks
#include <cstring>
#include <utility>
#include <vector>

#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/first_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/next_fit.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "trace.hpp"

using namespace ashlar;
using namespace proofs;

namespace {

constexpr std::size_t slot_size = 128 << 10, slots = 8;
alignas(slot_size) std::byte arena[slot_size * slots];

std::int64_t granule(const std::byte* p) noexcept { return (p - arena) / 16; }

/// Regions at odd places of fixed slots, now and then longer than asked, now and then none.
class upstream {
public:
    explicit upstream(numbers& n) noexcept : numbers_(n) {}
    result<block> allocate(layout l) noexcept {
        const std::size_t slot = numbers_.below(slots), step = l.align() < 16 ? 16 : l.align();
        const std::size_t at = numbers_.below(8) * step, more = numbers_.once_in(4) ? numbers_.below(8) * 8 : 0;
        if (used_[slot] || numbers_.once_in(8) || at + l.size() + more > slot_size) {
            line{'R'};
            return alloc_error{};
        }
        used_[slot] = true;
        std::byte* const p = arena + slot * slot_size + at;
        fresh.push_back(p);
        return block{p, l.size() + more};
    }
    void deallocate(std::byte* p, layout) noexcept {
        const auto* const r = reinterpret_cast<const free_list_region*>(p);
        gone.push_back({granule(r->first), r->span / 16});
        used_[static_cast<std::size_t>(p - arena) / slot_size] = false;
    }
    std::vector<std::byte*> fresh;
    std::vector<std::pair<std::int64_t, std::size_t>> gone;

private:
    numbers& numbers_;
    bool used_[slots] = {};
};

struct live_block {
    std::byte* p;
    layout l;
};

layout any_layout(numbers& n, bool big) {
    const std::size_t most = big ? std::size_t{1} << (4 + n.below(12)) : n.once_in(4) ? 1500 : 160;
    const std::size_t align = n.once_in(3) ? std::size_t{1} << n.below(11) : 16;
    return *layout::make(1 + n.below(most), align);
}

template <class Heap>
void show_free(const Heap& heap) {
    line s('S');
    heap.for_each_free([&](block b) { s << granule(b.data) << b.size / 16; });
}

/// What must be refused, mostly: another address, size or alignment than that of a live block; or a block freed before.
live_block misuse(numbers& n, const std::vector<live_block>& live, const std::vector<live_block>& dead) {
    live_block b = n.once_in(2) && !dead.empty() ? dead[n.below(dead.size())]
                   : !live.empty()               ? live[n.below(live.size())]
                                                 : live_block{arena + n.below(sizeof arena), any_layout(n, false)};
    switch (n.below(5)) {
        case 0: b.p += 16 * (1 + n.below(4)); break;
        case 1: b.p += n.below(16); break;
        case 2: b.l = *layout::make(b.l.size() + 16 * n.below(4), b.l.align()); break;
        case 3: b.l = *layout::make(1 + n.below(b.l.size()), b.l.align() << n.below(4)); break;
        default: break;
    }
    return b;
}

template <class Fit>
void trace(int policy, numbers& n) {
    constexpr std::size_t node = sizeof(typename Fit::node);
    line{'T'} << policy << (node == 16 ? 1 : (node + 8 + 15) / 16);
    const bool big = n.once_in(4);
    upstream up(n);
    {
        free_list<Fit, upstream> heap{ref(up), big ? std::size_t{96} << 10 : std::size_t{512} << n.below(4)};
        std::vector<live_block> live, dead;
        for (std::size_t act = 0; act != 40; ++act) {
            if (n.once_in(12)) {
                const live_block b = misuse(n, live, dead);
                const bool kept = kept_contract([&] { heap.deallocate(b.p, b.l); });
                line{'F'} << b.p - arena << b.l.size() << b.l.align() << kept;
                if (kept) std::erase_if(live, [&](const live_block& x) { return x.p == b.p; });
            } else if (live.empty() || n.below(100) < 58) {
                const layout l = any_layout(n, big);
                const auto granted = heap.allocate(l);
                for (const std::byte* p : up.fresh) {
                    const auto* const r = reinterpret_cast<const free_list_region*>(p);
                    line{'X'} << granule(r->first) << r->span / 16;
                }
                up.fresh.clear();
                line{'A'} << l.size() << l.align() << (granted ? granule(granted->data) : -1) << (granted ? granted->size / 16 : 0);
                if (granted) {
                    std::memset(granted->data, 0xa5, granted->size);
                    live.push_back({granted->data, l});
                }
            } else {
                const std::size_t i = n.below(live.size());
                const live_block b = live[i];
                live[i] = live.back();
                live.pop_back();
                dead.push_back(b);
                const bool kept = kept_contract([&] { heap.deallocate(b.p, b.l); });
                line{'F'} << b.p - arena << b.l.size() << b.l.align() << kept;
            }
            for (const auto& [first, span] : up.gone) line{'D'} << first << span;
            up.gone.clear();
            show_free(heap);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const wanted w(argc, argv);
    numbers n(w.seed);
    for (std::size_t i = 0; i != w.traces; ++i) {
        switch (i % 4) {
            case 0: trace<first_fit>(0, n); break;
            case 1: trace<next_fit>(1, n); break;
            case 2: trace<best_fit>(2, n); break;
            default: trace<tlsf>(3, n); break;
        }
    }
    line{'E'};
}
