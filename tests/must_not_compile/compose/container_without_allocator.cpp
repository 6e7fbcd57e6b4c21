// What cannot grant a block is no allocator for a container.
// expect: constraint
#include "ashlar/compose/std_allocator.hpp"

using namespace ashlar;
namespace {
struct plain {
    result<block> allocate(layout) noexcept { return alloc_error{}; }
    void deallocate(std::byte*, layout) noexcept {}
};
struct knowing : plain {
    static constexpr bool is_thread_safe = true;
    bool owns(const std::byte*) const noexcept { return false; }
};
}  // namespace

#ifdef ASHLAR_FIXED
static_assert(sizeof(std_allocator<int, plain>) != 0);
#else
static_assert(sizeof(std_allocator<int, int>) != 0);
#endif
