// What cannot grant a block is no allocator for a container.
// expect: constraint
#include "ashlar/compose/std_allocator.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using namespace ashlar::tests;

#ifdef ASHLAR_FIXED
static_assert(sizeof(std_allocator<int, plain>) != 0);
#else
static_assert(sizeof(std_allocator<int, int>) != 0);
#endif
