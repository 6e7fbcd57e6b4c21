// A result is no block: the refusal has to be looked at first.
// expect: (could not|cannot) convert|no viable conversion|conversion from
#include "ashlar/foundation/result.hpp"

ashlar::block take(ashlar::result<ashlar::block> granted) {
#ifdef ASHLAR_FIXED
    return granted ? *granted : ashlar::block{};
#else
    return granted;
#endif
}
