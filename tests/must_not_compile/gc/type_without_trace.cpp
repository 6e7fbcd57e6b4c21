// What a collected object refers to is said, or that it refers to nothing: nothing is guessed.
// expect: say where the references of this type are
#include <string>

#include "ashlar/gc/collected_heap.hpp"

struct named {
    std::string text;
#ifdef ASHLAR_FIXED
    static constexpr bool gc_leaf = true;
#endif
};
ashlar::gc::root<named> make(ashlar::gc::heap& h) { return h.make<named>(); }
