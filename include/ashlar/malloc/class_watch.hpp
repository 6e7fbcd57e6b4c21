// ashlar/malloc/class_watch.hpp - sees when most blocks of a class that grows would fit a smaller one.
//
// Layer:      malloc
// Picture:    (384 ........ 448]  a class, in up to eight parts: how often memory was cut for a size of each
//              ^^^ 392 392 392    most of it here: blocks of 400 bytes would save a tenth
// Complexity: O(1) for each page or two that is cut into blocks.
// Failure:    none.
// Threads:    one at a time.
// Invariants: class_watch.I1  what it proposes lies in the class, is a multiple of 16, and would have saved at least a
//                             sixteenth of the class's memory on the sizes that were noted
// Checked by: tests/malloc/class_watch_test.cpp
//
// Steps of a quarter (size_class.hpp) waste a tenth on average, and little of it matters: small classes hold little. What
// does matter is one size that fills many megabytes. It shows where memory is cut, for that is a sample of what is asked for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/size_class.hpp"
#include "ashlar/malloc/small_class.hpp"

namespace ashlar::malloc {

class class_watch {
public:
    static constexpr std::uint32_t enough = 128;      ///< cuts before anything is proposed: about a megabyte
    static constexpr std::uint32_t saved = 16;        ///< one in so many bytes must be

    static constexpr bool covers(std::size_t c) noexcept { return c - first < count; }
    /// Memory is cut into blocks of class c since `size` bytes are asked for. @pre covers(c), and size is of that class
    /// @returns the bytes of blocks that are worth a class of their own, else 0
    constexpr std::size_t note(std::size_t c, std::size_t size) noexcept {
        seen& s = of_[c - first];
        const std::size_t low = size_of_class(c - 1), high = size_of_class(c);
        std::uint8_t& part = s.part[(size - low - 1) / width_of(high - low)];
        if (part != 255) ++part;
        if (++s.total < enough || s.total % (enough / 2) != 0) return 0;
        std::size_t best = 0, most = 0, below = 0;
        for (std::size_t edge = low, k = 0; k < parts && edge < high; ++k) {
            edge += width_of(high - low);
            below += s.part[k];
            if (below * (high - edge) > most) most = below * (high - edge), best = edge;
        }
        if (most * saved >= s.total * high) {  // class_watch.I1
            s = {};
            return best;
        }
        if (s.total >= 2 * enough) {  // what was asked for long ago counts less
            for (auto& n : s.part) n /= 2;
            s.total = enough;
        }
        return 0;
    }

private:
    static constexpr std::size_t parts = 8;
    static constexpr std::size_t first = class_of_size(std::size_t{129});
    static constexpr std::size_t count = class_of_size(class_table::largest) - first + 1;
    static constexpr std::size_t width_of(std::size_t step) noexcept { return step < parts * 16 ? 16 : step / parts; }

    struct seen {
        std::uint8_t part[parts];
        std::uint16_t total;
    };
    seen of_[count]{};
};

}  // namespace ashlar::malloc
