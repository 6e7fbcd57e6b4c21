// ashlar/gc/graph.hpp - why objects are alive: who refers to whom, by which path from a root, and what goes with what.
//
// Layer:      gc
// Source:     Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm", Rice University TR-06-33870, 2001.
// Picture:    roots -> [ a ] -> [ b ] -> [ d ]      b and c are a's alone; d is reached by both, so a dominates it too:
//                        '----> [ c ] -----^        without a all four are gone, and that is what a retains
// Complexity: some 64 bytes an object and 16 a reference; time in both, and a few rounds for graphs with many ways in.
// Failure:    throws std::bad_alloc; the heap is as it was.
// Threads:    those of the heap while it is made; a value afterwards.
// Invariants: graph.I1  an object is reachable exactly if it retains at least itself
//             graph.I2  the path of an object is one of the shortest from a root
// Checked by: tests/gc/graph_test.cpp
//
// A picture of the heap at one moment: nothing of it follows what the heap does later. What was made and dropped since the
// last collection is in it, not reachable.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "ashlar/gc/collected_heap.hpp"

namespace ashlar::gc {

class graph {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    struct object {
        const void* address;
        std::string_view type;
        std::size_t bytes;     ///< header included
        std::size_t retained;  ///< bytes that would be unreachable without it; 0: it is not reachable itself
        std::size_t dominator; ///< the nearest object that every path to it leads through; none: several roots' paths
        std::size_t from;      ///< the object before it on its path; none: a root refers to it
        std::size_t place;     ///< of that reference in `from`; none: outside it, in a container of its
        bool rooted;
    };

    /// @pre not in a constructor or destructor of an object. @throws std::bad_alloc
    explicit graph(heap& h);

    /// By address.
    std::span<const object> objects() const noexcept { return objects_; }
    /// @returns the object's index; none where no object begins
    std::size_t find(const void* address) const noexcept;
    template <class T>
    std::size_t find(handle<T> h) const noexcept { return find(h.get()); }
    /// @returns the objects from the one that a root holds to this one (graph.I2); nothing where it is not reachable
    std::vector<std::size_t> why(std::size_t index) const;
    /// As heap::write_snapshot, and of each object what it retains, its dominator and where it is reached from; with the
    /// tiles as they were. docs/gc.md has the format; apps/viewer/heap.html draws it.
    void write(heap::write_function write, void* to) const;

private:
    struct reader;
    struct tile_map {
        const void* address;
        std::vector<std::size_t> used;
    };
    void find_paths();
    void find_dominators();
    std::vector<std::size_t> in_order() const;

    std::vector<object> objects_;
    std::vector<std::size_t> first_;  ///< of each object's references in to_, and one more
    std::vector<std::size_t> to_;
    std::vector<std::size_t> places_;
    std::vector<std::size_t> roots_;
    std::vector<tile_map> tiles_;
};

}  // namespace ashlar::gc
