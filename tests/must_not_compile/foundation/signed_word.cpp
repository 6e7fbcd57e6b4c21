// Address arithmetic is not done on signed or narrow integers: they would overflow or be promoted.
// expect: constraints not satisfied|no matching function
#include "ashlar/foundation/word.hpp"

#ifdef ASHLAR_FIXED
using number = unsigned long;
#else
using number = short;
#endif

auto twice(number n) { return ashlar::shl(n, n); }
