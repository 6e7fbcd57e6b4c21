// A lock is not copied: two mutexes over one allocator protect nothing.
// expect: deleted
#include "ashlar/compose/locked.hpp"

using namespace ashlar;
namespace {
struct plain {
    result<block> allocate(layout) noexcept { return alloc_error{}; }
    void deallocate(std::byte*, layout) noexcept {}
};
}  // namespace

#ifdef ASHLAR_FIXED
[[maybe_unused]] void use(locked<plain, null_mutex>& a) { auto& same = a; static_cast<void>(same); }
#else
[[maybe_unused]] void use(locked<plain, null_mutex>& a) { auto copy = a; static_cast<void>(copy); }
#endif
