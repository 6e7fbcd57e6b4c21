// Random traces of buddy, for the oracle. Places and sizes in least blocks of 16 bytes unless said otherwise:
//   T top             a new allocator, of regions of 2^top bytes
//   X begin           a region came                             R  one was refused
//   A size align p n  asked, in bytes; granted n least blocks at p, or p is -1
//   F p size align k  freed, p too in bytes; k is 1 if no contract was broken
//   D begin           a region went
//   C n0 n1 ...       how many blocks of each order are free    S (begin length)...  what is free; what touches is one
#include <cstring>
#include <vector>

#include "ashlar/strategy/buddy.hpp"
#include "trace.hpp"

using namespace ashlar;
using namespace proofs;

namespace {

constexpr std::size_t slot_size = 16 << 10, slots = 6;
alignas(slot_size) std::byte arena[slot_size * slots];

std::int64_t place(const std::byte* p) noexcept { return (p - arena) / 16; }

/// Regions in fixed slots, now and then none.
class upstream {
public:
    explicit upstream(numbers& n) noexcept : numbers_(n) {}
    result<block> allocate(layout l) noexcept {
        const std::size_t slot = numbers_.below(slots);
        if (used_[slot] || numbers_.once_in(6) || l.size() > slot_size) {
            line{'R'};
            return alloc_error{};
        }
        used_[slot] = true;
        std::byte* const p = arena + slot * slot_size;
        line{'X'} << place(p);
        return block{p, l.size()};
    }
    void deallocate(std::byte* p, layout) noexcept {
        gone.push_back(p);
        used_[static_cast<std::size_t>(p - arena) / slot_size] = false;
    }
    std::vector<const std::byte*> gone;

private:
    numbers& numbers_;
    bool used_[slots] = {};
};

struct live_block {
    std::byte* p;
    layout l;
};

/// At most a region.
layout any_layout(numbers& n, std::size_t top) {
    const std::size_t most = std::size_t{1} << (n.below(top) + 1);
    const std::size_t align = n.once_in(4) ? std::size_t{1} << n.below(top + 1) : 16;
    return *layout::make(1 + n.below(most), align);
}
live_block misuse(numbers& n, std::size_t top, const std::vector<live_block>& live, const std::vector<live_block>& dead) {
    live_block b = n.once_in(2) && !dead.empty() ? dead[n.below(dead.size())]
                   : !live.empty()               ? live[n.below(live.size())]
                                                 : live_block{arena + n.below(sizeof arena), any_layout(n, top)};
    switch (n.below(4)) {
        case 0: b.p += 16 * (1 + n.below(8)); break;
        case 1: b.p += n.below(16); break;
        case 2: b.l = any_layout(n, top); break;
        default: break;
    }
    return b;
}

void show_free(const buddy<upstream>& heap, std::size_t top) {
    {
        line c('C');
        for (std::size_t order = 4; order <= top; ++order) c << heap.free_blocks(order);
    }
    line s('S');
    heap.for_each_free([&](block b) { s << place(b.data) << b.size / 16; });
}

void trace(numbers& n) {
    const std::size_t top = 4 + n.below(9);
    line{'T'} << top;
    upstream up(n);
    buddy<upstream> heap{ref(up), std::size_t{1} << top};
    std::vector<live_block> live, dead;
    for (std::size_t act = 0; act != 40; ++act) {
        if (n.once_in(12)) {
            const live_block b = misuse(n, top, live, dead);
            const bool kept = kept_contract([&] { heap.deallocate(b.p, b.l); });
            line{'F'} << b.p - arena << b.l.size() << b.l.align() << kept;
            if (kept) std::erase_if(live, [&](const live_block& x) { return x.p == b.p; });
        } else if (live.empty() || n.below(100) < 56) {
            const layout l = any_layout(n, top);
            const auto granted = heap.allocate(l);
            line{'A'} << l.size() << l.align() << (granted ? place(granted->data) : -1) << (granted ? granted->size / 16 : 0);
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
        for (const std::byte* p : up.gone) line{'D'} << place(p);
        up.gone.clear();
        show_free(heap, top);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const wanted w(argc, argv);
    numbers n(w.seed);
    for (std::size_t i = 0; i != w.traces; ++i) trace(n);
    line{'E'};
}
