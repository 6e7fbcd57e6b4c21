// Random traces of bitmap, for the oracle. Addresses and sizes in bytes from the memory's begin:
//   T blocks base block_size   a new bitmap, its first block at base
//   A size align p n           asked; granted n bytes at p, or p is -1
//   F p size align k           freed; k is 1 if no contract was broken
//   S (begin length)...        what is free, in blocks; what touches is one
#include <vector>

#include "ashlar/strategy/bitmap.hpp"
#include "ashlar/strategy/page.hpp"
#include "trace.hpp"

using namespace ashlar;
using namespace proofs;

namespace {

constexpr std::size_t memory_size = std::size_t{1} << 20;
alignas(memory_size) std::byte memory[memory_size];

/// Room for the bits of one bitmap at a time.
struct room {
    result<block> allocate(layout l) noexcept { return block{bytes, l.size()}; }
    void deallocate(std::byte*, layout) noexcept {}
    alignas(64) std::byte bytes[1 << 16];
};

struct live_run {
    std::byte* p;
    layout l;
};

live_run misuse(numbers& n, std::size_t block_size, const std::vector<live_run>& live, const std::vector<live_run>& dead) {
    live_run b = n.once_in(2) && !dead.empty() ? dead[n.below(dead.size())]
                 : !live.empty()               ? live[n.below(live.size())]
                                               : live_run{memory + n.below(4096), *layout::make(1, 1)};
    switch (n.below(4)) {
        case 0: b.p += block_size * (1 + n.below(4)); break;
        case 1: b.p += n.below(block_size); break;
        case 2: b.l = *layout::make(1 + n.below(4 * block_size + b.l.size()), b.l.align()); break;
        default: break;
    }
    return b;
}

/// A large one has three levels of words, and a run that takes most of it.
void trace(numbers& n, room& bits, bool large) {
    static constexpr std::size_t counts[] = {1, 3, 63, 64, 65, 128, 200, 260, 4095, 4100, 8200};
    const std::size_t blocks = counts[large ? 8 + n.below(3) : n.below(8)];
    const std::size_t block_size = std::size_t{1} << n.below(6) | (n.once_in(4) ? 3 : 0);
    bitmap<room> heap(block{memory + n.below(8), blocks * block_size + 64}, block_size, ref(bits));
    std::size_t base = 0;
    heap.for_each_free([&](block b) { base = static_cast<std::size_t>(b.data - memory); });
    line{'T'} << heap.capacity() << base << block_size;
    std::vector<live_run> live, dead;
    const auto free = [&](live_run b) {
        const bool kept = kept_contract([&] { heap.deallocate(b.p, b.l); });
        line{'F'} << b.p - memory << b.l.size() << b.l.align() << kept;
        return kept;
    };
    for (std::size_t act = 0; act != 40; ++act) {
        if (n.once_in(8)) {
            const live_run b = misuse(n, block_size, live, dead);
            if (free(b)) std::erase_if(live, [&](const live_run& x) { return x.p == b.p; });
        } else if (live.empty() || n.below(100) < 60) {
            const std::size_t run = large && act == 2 ? 4000 : n.once_in(3) ? n.below(blocks < 160 ? 1 + blocks / 4 : 40) : 0;
            const layout l = *layout::make(run * block_size + 1 + n.below(block_size), std::size_t{1} << (n.once_in(3) ? n.below(9) : 0));
            const auto granted = heap.allocate(l);
            line{'A'} << l.size() << l.align() << (granted ? granted->data - memory : -1) << (granted ? granted->size : 0);
            if (granted) live.push_back({granted->data, l});
        } else {
            const std::size_t i = n.below(live.size());
            const live_run b = live[i];
            live[i] = live.back();
            live.pop_back();
            dead.push_back(b);
            free(b);
        }
        line s('S');
        heap.for_each_free([&](block b) {
            s << (static_cast<std::size_t>(b.data - memory) - base) / block_size << b.size / block_size;
        });
    }
}

}  // namespace

int main(int argc, char** argv) {
    const wanted w(argc, argv);
    numbers n(w.seed);
    static room bits;
    for (std::size_t i = 0; i != w.traces; ++i) trace(n, bits, i % 1024 == 7);
    line{'E'};
}
