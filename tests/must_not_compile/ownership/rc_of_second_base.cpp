// One pointer to value and counts serves a base only where the object begins with it.
// expect: could not convert|no viable conversion
#include "ashlar/ownership/rc.hpp"
#include "ashlar/strategy/system.hpp"

struct first {
    virtual ~first() = default;
};
struct second {
    virtual ~second() = default;
};
struct both : first, second {};

#ifdef ASHLAR_FIXED
using seen = first;
#else
using seen = second;
#endif
ashlar::rc<seen, ashlar::system> as_base(const ashlar::rc<both, ashlar::system>& r) { return r; }
