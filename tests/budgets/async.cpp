// Coroutine frames: what creating and destroying one adds to the coroutine itself, where the last that ended is reused; beyond
// that one the bench counts (./dev bench async). count.py reads this file.
#include "ashlar/async/async_pool.hpp"
#include "ashlar/async/framed_promise.hpp"

namespace {
using promise = ashlar::framed_promise<>;

template <std::size_t Size>
void pair() {
    void* frame = promise::operator new(Size);
    __asm__ volatile("" : "+r"(frame) : : "memory");
    promise::operator delete(frame, Size);
}
}  // namespace

// at most 14 instructions, 3 branches
extern "C" void frame_pair_64() { pair<64>(); }

// at most 14 instructions, 3 branches
extern "C" void frame_pair_1024() { pair<1024>(); }

// at most 14 instructions, 3 branches
extern "C" void frame_pair_4096() { pair<4096>(); }

// at most 11 instructions, 2 branches
extern "C" void* frame_create_of_any_size(std::size_t size) { return promise::operator new(size); }

// at most 13 instructions, 3 branches
extern "C" void frame_destroy_of_any_size(void* frame, std::size_t size) { promise::operator delete(frame, size); }

// an object that nobody else wants, taken and given back: two of them are locked
// at most 40 instructions, 6 branches
extern "C" void pool_take_and_give(ashlar::async_pool<int>& pool) { static_cast<void>(pool.try_acquire()); }
