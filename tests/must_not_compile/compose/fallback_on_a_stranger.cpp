// The primary of a fallback must know its own blocks: nothing else says who granted one.
// expect: constraint
#include "ashlar/compose/fallback.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using namespace ashlar::tests;

#ifdef ASHLAR_FIXED
static_assert(sizeof(fallback<knowing, plain>) != 0);
#else
static_assert(sizeof(fallback<plain, plain>) != 0);
#endif
