// A block goes back where it came from: boxes over different allocators are different types.
// expect: could not convert|no viable conversion
#include "ashlar/ownership/box.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/system.hpp"

#ifdef ASHLAR_FIXED
using there = ashlar::bump;
#else
using there = ashlar::system;
#endif
ashlar::box<int, there> moved(ashlar::box<int, ashlar::bump> b) { return b; }
