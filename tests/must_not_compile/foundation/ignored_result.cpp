// A refusal cannot be dropped unseen.
// expect: ignoring return
#include "ashlar/foundation/layout.hpp"

void ask() {
#ifdef ASHLAR_FIXED
    static_cast<void>(ashlar::layout::make(16, 8).has_value());
#else
    ashlar::layout::make(16, 8);
#endif
}
