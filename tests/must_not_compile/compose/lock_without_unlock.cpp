// What cannot be unlocked is no mutex.
// expect: constraint
#include "ashlar/compose/locked.hpp"

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
struct latch { void lock() {} void unlock() {} };
static_assert(sizeof(locked<plain, latch>) != 0);
#else
struct latch { void lock() {} };
static_assert(sizeof(locked<plain, latch>) != 0);
#endif
