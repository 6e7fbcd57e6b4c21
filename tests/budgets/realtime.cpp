// Fixed pools, as a caller that inlines them sees them. count.py reads this file.
#include "ashlar/realtime/magazine.hpp"
#include "ashlar/realtime/shared_index_pool.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/pool.hpp"

using local_pool = ashlar::pool<64, 16, ashlar::bump>;
using local_magazine = ashlar::magazine<ashlar::shared_index_pool<64, 16>>;

// at most 12 instructions, 1 branch
extern "C" void local_pool_pair(local_pool& a) {
    const auto l = *ashlar::layout::make(64, 16);
    const auto granted = a.allocate(l);
    if (!granted) __builtin_unreachable();
    asm volatile("" : : "r"(granted->data) : "memory");
    a.deallocate(granted->data, l);
}

// at most 18 instructions, 3 branches
extern "C" void magazine_pair(local_magazine& a) {
    const auto l = *ashlar::layout::make(64, 16);
    const auto granted = a.allocate(l);
    if (!granted) return;
    asm volatile("" : : "r"(granted->data) : "memory");
    a.deallocate(granted->data, l);
}

// at most 6 instructions, 1 branch
extern "C" std::byte* magazine_allocate(local_magazine& a) {
    const auto granted = a.allocate(*ashlar::layout::make(64, 16));
    return granted ? granted->data : nullptr;
}

// at most 6 instructions, 1 branch
extern "C" void magazine_deallocate(local_magazine& a, std::byte* p) { a.deallocate(p, *ashlar::layout::make(64, 16)); }
