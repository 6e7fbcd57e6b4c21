// A base without a virtual destructor cannot destroy the whole object, so no box of it is made from a derived one.
// expect: could not convert|no viable conversion
#include "ashlar/ownership/box.hpp"
#include "ashlar/strategy/system.hpp"

struct base {
#ifdef ASHLAR_FIXED
    virtual
#endif
    ~base() = default;
};
struct derived : base {
    int more = 0;
};
ashlar::box<base, ashlar::system> as_base(ashlar::box<derived, ashlar::system> b) { return b; }
