// Address arithmetic is not done on signed or narrow integers: they would overflow or be promoted.
// expect: constraints not satisfied|no matching function
#include "ashlar/foundation/alignment.hpp"

#ifdef ASHLAR_FIXED
using number = unsigned long;
#else
using number = short;
#endif

auto round_up(number n) { return ashlar::align_up<number>(n, 8); }
