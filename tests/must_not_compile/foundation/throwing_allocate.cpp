// An allocator refuses by value: an allocate that may throw is none.
// expect: static assertion failed
#include "ashlar/foundation/allocator.hpp"

#ifdef ASHLAR_FIXED
#define MAY_THROW noexcept
#else
#define MAY_THROW
#endif

struct thrower {
    ashlar::result<ashlar::block> allocate(ashlar::layout) MAY_THROW;
    void deallocate(std::byte*, ashlar::layout) noexcept;
};
static_assert(ashlar::allocator<thrower>);
