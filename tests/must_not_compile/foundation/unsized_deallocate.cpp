// What gives back a block without its layout is no allocator: deallocation is always sized and aligned.
// expect: static assertion failed
#include "ashlar/foundation/allocator.hpp"

struct careless {
    ashlar::result<ashlar::block> allocate(ashlar::layout) noexcept;
#ifdef ASHLAR_FIXED
    void deallocate(std::byte*, ashlar::layout) noexcept;
#else
    void deallocate(std::byte*) noexcept;
#endif
};
static_assert(ashlar::allocator<careless>);
