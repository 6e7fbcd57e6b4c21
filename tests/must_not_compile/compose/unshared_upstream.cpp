// Threads that cache apart share an upstream, which must be safe for them.
// expect: constraint
#include "ashlar/compose/thread_cached.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using namespace ashlar::tests;

#ifdef ASHLAR_FIXED
static_assert(sizeof(thread_cached<knowing>) != 0);
#else
static_assert(sizeof(thread_cached<plain>) != 0);
#endif
