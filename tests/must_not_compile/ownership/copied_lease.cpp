// A lease releases its object when it ends; two of them would release it twice.
// expect: deleted|use of deleted function
#include <utility>

#include "ashlar/ownership/object_pool.hpp"
#include "ashlar/strategy/system.hpp"

using pool = ashlar::object_pool<int, ashlar::system>;
#ifdef ASHLAR_FIXED
pool::lease second(pool::lease& first) { return std::move(first); }
#else
pool::lease second(pool::lease& first) { return first; }
#endif
