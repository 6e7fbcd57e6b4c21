// The operations of rt_heap at their worst, as a caller sees them that does not know the layout. worst.py reads this file.
#include "ashlar/realtime/rt_heap.hpp"
#include "ashlar/strategy/half_fit.hpp"
#include "ashlar/strategy/tlsf.hpp"

using tlsf_heap = ashlar::rt_heap<ashlar::tlsf>;
using half_fit_heap = ashlar::rt_heap<ashlar::half_fit>;

// at most 148 instructions on any path
extern "C" [[gnu::flatten]] std::byte* tlsf_allocate(tlsf_heap& a, ashlar::layout l) {
    if (l.align() > 16) __builtin_unreachable();
    const auto granted = a.allocate(l);
    return granted ? granted->data : nullptr;
}
// at most 148 instructions on any path
extern "C" [[gnu::flatten]] void tlsf_deallocate(tlsf_heap& a, std::byte* p, ashlar::layout l) { a.deallocate(p, l); }
// at most 224 instructions on any path
extern "C" [[gnu::flatten]] std::byte* tlsf_allocate_aligned(tlsf_heap& a, ashlar::layout l) {
    const auto granted = a.allocate(l);
    return granted ? granted->data : nullptr;
}

// at most 118 instructions on any path
extern "C" [[gnu::flatten]] std::byte* half_fit_allocate(half_fit_heap& a, ashlar::layout l) {
    if (l.align() > 16) __builtin_unreachable();
    const auto granted = a.allocate(l);
    return granted ? granted->data : nullptr;
}
// at most 98 instructions on any path
extern "C" [[gnu::flatten]] void half_fit_deallocate(half_fit_heap& a, std::byte* p, ashlar::layout l) { a.deallocate(p, l); }
// at most 178 instructions on any path
extern "C" [[gnu::flatten]] std::byte* half_fit_allocate_aligned(half_fit_heap& a, ashlar::layout l) {
    const auto granted = a.allocate(l);
    return granted ? granted->data : nullptr;
}
