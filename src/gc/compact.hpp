// One compaction: its plan, and the slide. See compact.cpp.
#pragma once

#include "ashlar/gc/sliding.hpp"
#include "collector.hpp"

namespace ashlar::gc::detail {

class compaction {
public:
    explicit compaction(collector& c) noexcept : c_(c) {}
    compaction(const compaction&) = delete;
    compaction& operator=(const compaction&) = delete;
    ~compaction();

    /// Tiles of which a larger part is in use will stay as they are. @returns whether a tile will become empty, or `sparse` is 1
    bool choose(double sparse) noexcept;
    /// @pre nothing is marking, no object waits for its destructor
    /// @returns whether it was done; where memory was refused nothing has moved
    bool run() noexcept;

private:
    bool plan() noexcept;
    void find_islands() noexcept;
    void next_place_tile() noexcept;
    bool plan_tile(std::size_t k) noexcept;
    std::size_t plan_objects(tile* t, std::size_t word, std::size_t i) noexcept;
    static std::size_t begin_in(tile* t, std::size_t word, std::size_t& end) noexcept;
    void reach(std::size_t granules) noexcept;
    bool note(const void* from, void* to) noexcept;

    void slide() noexcept;
    void slide_tile(tile* t) noexcept;
    void move(std::byte* object, std::byte* to, std::size_t granules) noexcept;
    void take_over(tile* t) noexcept;
    void clear_marks() noexcept;

    collector& c_;
    std::size_t place_tile_ = 0;  ///< where the next object is put: tile, index, and where the gap ends there
    std::size_t place_ = 0, gap_end_ = 0;
    exception_to_sliding* exceptions_ = nullptr;
    std::size_t count_ = 0, room_ = 0;
    sliding to_new_{nullptr};
};

}  // namespace ashlar::gc::detail
