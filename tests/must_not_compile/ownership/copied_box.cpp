// A box is the one owner of its value: it moves, it is not copied.
// expect: deleted
#include "ashlar/ownership/box.hpp"
#include "ashlar/strategy/system.hpp"

void give(ashlar::box<int, ashlar::system> mine) {
#ifdef ASHLAR_FIXED
    auto yours = static_cast<ashlar::box<int, ashlar::system>&&>(mine);
#else
    auto yours = mine;
#endif
    yours.reset();
}
