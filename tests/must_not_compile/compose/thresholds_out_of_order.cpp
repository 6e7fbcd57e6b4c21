// The thresholds of segregate ascend, or a step would never be reached.
// expect: must ascend
#include "ashlar/compose/segregate.hpp"

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
static_assert(sizeof(segregate<up_to<64, plain>, up_to<128, plain>, plain>) != 0);
#else
static_assert(sizeof(segregate<up_to<128, plain>, up_to<64, plain>, plain>) != 0);
#endif
