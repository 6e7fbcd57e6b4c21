// Making collected objects and rooting them, and what a member costs, inlined. count.py reads this file.
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"

namespace {
struct node {
    node() noexcept {}  // touches nothing, so that the heap's own instructions are what is counted
    long value[3];
    static constexpr bool gc_leaf = true;
};
struct pair {
    ashlar::gc::member<pair> first, second;
    static constexpr auto gc_members = ashlar::gc::members(&pair::first, &pair::second);
};
using ashlar::gc::heap;
using ashlar::gc::root;
}  // namespace

// at most 16 instructions, 2 branches
extern "C" void gc_make(void* to, heap& h) { ::new (to) root<node>(h.make<node>()); }

// at most 33 instructions, 4 branches
extern "C" void gc_make_pair(void* to, heap& h, root<pair>& a, root<pair>& b) {
    ::new (to) root<pair>(h.make<pair>(a, b));
}

// at most 7 instructions, 1 branch
extern "C" void gc_end_root(root<node>* r) { r->~root(); }

// at most 1 instruction, 0 branches
extern "C" pair* gc_read_member(pair& p) { return p.first.get(); }

// at most 5 instructions, 1 branch
extern "C" void gc_store_member(pair& p, pair* q) { p.first = q; }
