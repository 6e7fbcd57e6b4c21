// No layout is made without its invariants being checked (layout.I1, layout.I2).
// expect: private
#include "ashlar/foundation/layout.hpp"

bool three() {
#ifdef ASHLAR_FIXED
    return ashlar::layout::make(3, 3).has_value();
#else
    return ashlar::layout(3, 3).size() == 3;
#endif
}
