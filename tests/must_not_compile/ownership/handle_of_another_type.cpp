// The handle of one kind of object says nothing about another.
// expect: could not convert|no viable conversion|cannot convert
#include "ashlar/ownership/object_pool.hpp"
#include "ashlar/strategy/system.hpp"

#ifdef ASHLAR_FIXED
using asked = int;
#else
using asked = long;
#endif
int* look(ashlar::object_pool<int, ashlar::system>& pool, ashlar::handle<asked> h) { return pool.get(h); }
