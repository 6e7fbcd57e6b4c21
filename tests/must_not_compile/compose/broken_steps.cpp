// The steps of bucketize are whole.
// expect: whole steps
#include "ashlar/compose/bucketize.hpp"

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
static_assert(sizeof(bucketize<1, 64, 16, plain>) != 0);
#else
static_assert(sizeof(bucketize<1, 60, 16, plain>) != 0);
#endif
