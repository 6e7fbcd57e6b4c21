// A block of a pool holds something.
// expect: static assertion failed|static_assert
#include "ashlar/strategy/pool.hpp"

#ifdef ASHLAR_FIXED
constexpr std::size_t size = 1;
#else
constexpr std::size_t size = 0;
#endif
using pool = ashlar::pool<size>;
bool ask(const pool& p) { return p.owns(nullptr); }
