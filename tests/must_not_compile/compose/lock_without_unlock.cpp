// What cannot be unlocked is no mutex.
// expect: constraint
#include "ashlar/compose/locked.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using namespace ashlar::tests;

#ifdef ASHLAR_FIXED
struct latch { void lock() {} void unlock() {} };
static_assert(sizeof(locked<plain, latch>) != 0);
#else
struct latch { void lock() {} };
static_assert(sizeof(locked<plain, latch>) != 0);
#endif
