// What is counted without atomics cannot be handed to other threads as an arc.
// expect: could not convert|no viable conversion
#include "ashlar/ownership/arc.hpp"
#include "ashlar/ownership/rc.hpp"
#include "ashlar/strategy/system.hpp"

#ifdef ASHLAR_FIXED
ashlar::arc<int, ashlar::system> shared(const ashlar::arc<int, ashlar::system>& r) { return r; }
#else
ashlar::arc<int, ashlar::system> shared(const ashlar::rc<int, ashlar::system>& r) { return r; }
#endif
