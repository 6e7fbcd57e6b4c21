// The steps of bucketize are whole.
// expect: whole steps
#include "ashlar/compose/bucketize.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using namespace ashlar::tests;

#ifdef ASHLAR_FIXED
static_assert(sizeof(bucketize<1, 64, 16, plain>) != 0);
#else
static_assert(sizeof(bucketize<1, 60, 16, plain>) != 0);
#endif
