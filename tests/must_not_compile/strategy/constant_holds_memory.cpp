// expect: a constant is made of ranges, strings, pairs and plain values that own nothing
#include "ashlar/strategy/constant.hpp"

struct owner {
    int* p = new int(1);
    constexpr owner() = default;
    constexpr owner(const owner&) {}
    constexpr ~owner() { delete p; }
};
#ifdef ASHLAR_FIXED
constexpr auto kept = ashlar::constant<[] { return *owner().p; }>();
static_assert(kept == 1);
#else
constexpr auto kept = ashlar::constant<[] { return owner(); }>();
#endif
