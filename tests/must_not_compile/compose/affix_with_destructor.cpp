// Bytes that move with a block run no destructor.
// expect: constraint
#include "ashlar/compose/affix.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using namespace ashlar::tests;

#ifdef ASHLAR_FIXED
struct tag { int n = 0; };
static_assert(sizeof(affix<tag, no_affix, plain>) != 0);
#else
struct tag { ~tag() {} };
static_assert(sizeof(affix<tag, no_affix, plain>) != 0);
#endif
