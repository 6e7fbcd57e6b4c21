// The thresholds of segregate ascend, or a step would never be reached.
// expect: must ascend
#include "ashlar/compose/segregate.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using namespace ashlar::tests;

#ifdef ASHLAR_FIXED
static_assert(sizeof(segregate<up_to<64, plain>, up_to<128, plain>, plain>) != 0);
#else
static_assert(sizeof(segregate<up_to<128, plain>, up_to<64, plain>, plain>) != 0);
#endif
