// All but the last allocator of a choice must know their own blocks.
// expect: must be owning
#include "ashlar/compose/choice.hpp"

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
struct first { std::size_t operator()(layout) const noexcept { return 0; } };
static_assert(sizeof(choice<first, knowing, plain>) != 0);
#else
struct first { std::size_t operator()(layout) const noexcept { return 0; } };
static_assert(sizeof(choice<first, plain, plain>) != 0);
#endif
