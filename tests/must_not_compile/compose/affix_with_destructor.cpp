// Bytes that move with a block run no destructor.
// expect: constraint
#include "ashlar/compose/affix.hpp"

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
struct tag { int n = 0; };
static_assert(sizeof(affix<tag, no_affix, plain>) != 0);
#else
struct tag { ~tag() {} };
static_assert(sizeof(affix<tag, no_affix, plain>) != 0);
#endif
