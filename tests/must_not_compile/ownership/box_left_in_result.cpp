// A refusal cannot be dropped unseen, and with it the box.
// expect: ignoring return
#include "ashlar/ownership/box.hpp"
#include "ashlar/strategy/system.hpp"

void make() {
    ashlar::system heap;
#ifdef ASHLAR_FIXED
    const auto kept = ashlar::make_box<int>(heap, 1);
    static_cast<void>(kept.has_value());
#else
    ashlar::make_box<int>(heap, 1);
#endif
}
