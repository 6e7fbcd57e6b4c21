// All but the last allocator of a choice must know their own blocks.
// expect: must be owning
#include "ashlar/compose/choice.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using namespace ashlar::tests;

#ifdef ASHLAR_FIXED
struct first { std::size_t operator()(layout) const noexcept { return 0; } };
static_assert(sizeof(choice<first, knowing, plain>) != 0);
#else
struct first { std::size_t operator()(layout) const noexcept { return 0; } };
static_assert(sizeof(choice<first, plain, plain>) != 0);
#endif
