// The operations of the allocators that move a cursor, as a caller that inlines them sees them. count.py reads this file.
#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/stack.hpp"
#include "ashlar/strategy/static_bump.hpp"

namespace {
template <std::size_t Size, std::size_t Align, class A>
std::byte* allocated(A& a) {
    const auto granted = a.allocate(*ashlar::layout::make(Size, Align));
    return granted ? granted->data : nullptr;
}
}  // namespace

// at most 8 instructions, 1 branch
extern "C" std::byte* bump_allocate_16(ashlar::bump& a) { return allocated<16, 8>(a); }

// at most 8 instructions, 1 branch
extern "C" std::byte* bump_allocate_64(ashlar::bump& a) { return allocated<64, 16>(a); }

// at most 5 instructions, 1 branch
extern "C" void bump_deallocate_64(ashlar::bump& a, std::byte* p) { a.deallocate(p, *ashlar::layout::make(64, 16)); }

// at most 8 instructions, 1 branch
extern "C" std::byte* arena_allocate_16(ashlar::arena<>& a) { return allocated<16, 8>(a); }

// at most 8 instructions, 1 branch
extern "C" std::byte* arena_allocate_64(ashlar::arena<>& a) { return allocated<64, 16>(a); }

// at most 6 instructions, 2 branches
extern "C" void arena_deallocate_64(ashlar::arena<>& a, std::byte* p) { a.deallocate(p, *ashlar::layout::make(64, 16)); }

// at most 8 instructions, 1 branch
extern "C" std::byte* stack_allocate_64(ashlar::stack& a) { return allocated<64, 16>(a); }

// at most 1 instruction, 0 branches
extern "C" void stack_deallocate_64(ashlar::stack& a, std::byte* p) { a.deallocate(p, *ashlar::layout::make(64, 16)); }

// at most 18 instructions, 2 branches
extern "C" std::byte* static_bump_allocate_64(ashlar::static_bump<4096>& a) { return allocated<64, 16>(a); }
