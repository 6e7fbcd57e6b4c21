// A weak handle does not keep its value: it is upgraded, and the outcome looked at.
// expect: no match|indirection requires
#include "ashlar/ownership/rc.hpp"
#include "ashlar/strategy/system.hpp"

int read(const ashlar::weak_rc<int, ashlar::system>& w) {
#ifdef ASHLAR_FIXED
    const auto held = w.upgrade();
    return held ? *held : 0;
#else
    return *w;
#endif
}
