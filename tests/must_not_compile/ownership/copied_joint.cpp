// A joint is the one owner of its block: it moves, it is not copied.
// expect: deleted
#include "ashlar/ownership/joint.hpp"
#include "ashlar/strategy/system.hpp"

using table = ashlar::joint<ashlar::system, int, char>;
void give(table mine) {
#ifdef ASHLAR_FIXED
    auto yours = static_cast<table&&>(mine);
#else
    auto yours = mine;
#endif
    yours.reset();
}
