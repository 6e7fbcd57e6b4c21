// Threads that cache apart share an upstream, which must be safe for them.
// expect: constraint
#include "ashlar/compose/thread_cached.hpp"

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
static_assert(sizeof(thread_cached<knowing>) != 0);
#else
static_assert(sizeof(thread_cached<plain>) != 0);
#endif
