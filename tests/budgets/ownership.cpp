// Copying and moving owners, and the same by a hand-written intrusive pointer. count.py reads this file.
#include <atomic>
#include <cstdint>

#include "ashlar/ownership/arc.hpp"
#include "ashlar/ownership/box.hpp"
#include "ashlar/ownership/rc.hpp"
#include "ashlar/strategy/system.hpp"

namespace {
struct counted_by_hand {
    std::uint32_t count;
    int value;
};
struct counted_by_hand_atomically {
    std::atomic<std::uint32_t> count;
    int value;
};
}  // namespace

template <class T>
using rc = ashlar::rc<T, ashlar::system>;
template <class T>
using arc = ashlar::arc<T, ashlar::system>;

// at most 5 instructions, 1 branch
extern "C" void intrusive_copy(void* to, counted_by_hand* const& from) {
    counted_by_hand* const p = from;
    *static_cast<counted_by_hand**>(to) = p;
    if (p != nullptr) ++p->count;
}

// at most 5 instructions, 1 branch
extern "C" void rc_copy(void* to, const rc<int>& from) { ::new (to) rc<int>(from); }

// at most 5 instructions, 1 branch
extern "C" void intrusive_atomic_copy(void* to, counted_by_hand_atomically* const& from) {
    counted_by_hand_atomically* const p = from;
    *static_cast<counted_by_hand_atomically**>(to) = p;
    if (p != nullptr) p->count.fetch_add(1, std::memory_order_relaxed);
}

// at most 5 instructions, 1 branch
extern "C" void arc_copy(void* to, const arc<int>& from) { ::new (to) arc<int>(from); }

// at most 3 instructions, 0 branches
extern "C" void box_move(void* to, ashlar::box<int, ashlar::system>& from) {
    ::new (to) ashlar::box<int, ashlar::system>(static_cast<ashlar::box<int, ashlar::system>&&>(from));
}
