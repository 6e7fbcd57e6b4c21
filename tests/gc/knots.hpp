// tests/gc/knots.hpp - object graphs of many shapes for the tests of marking.
#pragma once

#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"

namespace {

using namespace ashlar;

struct knot {
    gc::member<knot> next, other;
    static constexpr bool gc_relocatable = true;
    void trace(auto& visit) const { visit(other, next); }
};

struct wide {
    gc::member<knot> all[2000];
    void trace(auto& visit) const { visit(all); }
};

gc::root<knot> complete_tree(gc::heap& h, int depth) {
    if (depth == 0) return h.make<knot>();
    const auto left = complete_tree(h, depth - 1), right = complete_tree(h, depth - 1);
    return h.make<knot>(left, right);
}

}  // namespace
