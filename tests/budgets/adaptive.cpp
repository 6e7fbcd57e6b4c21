// What being adaptive adds to the first candidate, inlined: the same candidate alone, and behind it. count.py reads this file.
#include "ashlar/compose/adaptive.hpp"
#include "ashlar/strategy/arena.hpp"

namespace {
template <class U>
struct first : ashlar::arena<U> {
    explicit first(ashlar::ref<U> upstream) noexcept : ashlar::arena<U>(upstream) {}
};
template <class U>
struct last : ashlar::arena<U> {
    explicit last(ashlar::ref<U> upstream) noexcept : ashlar::arena<U>(upstream) {}
    [[gnu::noinline]] ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept { return ashlar::arena<U>::allocate(l); }
    [[gnu::noinline]] void deallocate(std::byte* p, ashlar::layout l) noexcept { ashlar::arena<U>::deallocate(p, l); }
};
struct judge {
    ashlar::candidate_costs<2> operator()(const ashlar::usage&) const noexcept { return {}; }
};
using two = ashlar::adaptive<judge, ashlar::apportioned<2, ashlar::page<>>, first, last>;
}  // namespace

// at most 15 instructions, 3 branches
extern "C" std::byte* adaptive_allocate_64(two& a) {
    const auto granted = a.allocate(*ashlar::layout::make(64, 16));
    return granted ? granted->data : nullptr;
}

// at most 15 instructions, 4 branches
extern "C" void adaptive_deallocate_64(two& a, std::byte* p) { a.deallocate(p, *ashlar::layout::make(64, 16)); }
