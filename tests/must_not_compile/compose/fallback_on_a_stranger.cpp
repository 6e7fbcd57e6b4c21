// The primary of a fallback must know its own blocks: nothing else says who granted one.
// expect: constraint
#include "ashlar/compose/fallback.hpp"

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
static_assert(sizeof(fallback<knowing, plain>) != 0);
#else
static_assert(sizeof(fallback<plain, plain>) != 0);
#endif
