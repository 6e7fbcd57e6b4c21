// The operations of the pools, as a caller that inlines them sees them. count.py reads this file.
#include "ashlar/ownership/object_pool.hpp"
#include "ashlar/strategy/pool.hpp"
#include "ashlar/strategy/slab.hpp"

namespace {
struct order {
    order() noexcept {}  // touches nothing, so that the pool's own instructions are what is counted
    long price[4];
};
using pool_of_64 = ashlar::pool<64, 16>;
using slab_of_64 = ashlar::slab<64, 16>;
using orders = ashlar::object_pool<order, ashlar::page<>>;
}  // namespace

// at most 5 instructions, 1 branch
extern "C" std::byte* pool_allocate(pool_of_64& a) {
    const auto granted = a.allocate(*ashlar::layout::make(64, 16));
    return granted ? granted->data : nullptr;
}

// at most 3 instructions, 0 branches
extern "C" void pool_deallocate(pool_of_64& a, std::byte* p) { a.deallocate(p, *ashlar::layout::make(64, 16)); }

// at most 5 instructions, 1 branch
extern "C" order* object_pool_take(orders& a) { return a.take().value_or(nullptr); }

// at most 3 instructions, 0 branches
extern "C" void object_pool_put(orders& a, order* o) { a.put(o); }

// at most 5 instructions, 1 branch
extern "C" std::byte* slab_allocate(slab_of_64& a) {
    const auto granted = a.allocate(*ashlar::layout::make(64, 16));
    return granted ? granted->data : nullptr;
}

// at most 11 instructions, 1 branch
extern "C" void slab_deallocate(slab_of_64& a, std::byte* p) { a.deallocate(p, *ashlar::layout::make(64, 16)); }
