// A library for python's ctypes: compares ours with libunwind from inside an interpreter that others compiled.
#include "oracle.hpp"

namespace {
ashlar::unwind::unwinder walker;
}

/// @returns the number of frames, or less than 0: whole stacks differ, or ours is cut
extern "C" [[gnu::visibility("default"), gnu::noinline]] long compare_stacks(long) {
    ashlar::unwind::rules.prepare();
    const oracle::pair seen = oracle::look(walker);
    if (seen.cut) return -2;
    return seen.ours == seen.theirs ? static_cast<long>(seen.ours.size()) : -1;
}
extern "C" [[gnu::visibility("default"), gnu::noinline]] int compare_for_sort(const void* a, const void* b) {
    if (compare_stacks(0) < 10) std::abort();
    return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}
