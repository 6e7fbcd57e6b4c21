// A lock is not copied: two mutexes over one allocator protect nothing.
// expect: deleted
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
void use(locked<plain, null_mutex>& a) { auto& same = a; static_cast<void>(same); }
#else
void use(locked<plain, null_mutex>& a) { auto copy = a; static_cast<void>(copy); }
#endif
