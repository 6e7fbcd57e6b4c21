// The last class ends at the greatest size. The best place of the class before it moves to the right as that end does, so
// the ends of a row are searched from the middle one outwards.
#include "ashlar/observe/class_search.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {
namespace {

class search {
public:
    search(std::span<const sized_blocks> sizes, std::uint64_t step) {
        std::map<std::uint64_t, sized_blocks> rounded;  // by class: bytes asked for, blocks
        for (const auto& s : sizes) {
            auto& at = rounded[(std::max<std::uint64_t>(s.size, 1) + step - 1) / step * step];
            at.size += s.size * s.blocks;
            at.blocks += s.blocks;
        }
        for (const auto& [size, all] : rounded) {
            ends_.push_back(size);
            blocks_.push_back(blocks_.back() + all.blocks);
            bytes_.push_back(bytes_.back() + all.size);
        }
    }

    std::vector<std::uint64_t> best(std::size_t count) {
        const std::size_t n = ends_.size();
        count = std::min(count, n);
        if (count == 0) return {};
        least_.assign(n + 1, std::numeric_limits<std::uint64_t>::max() / 2);
        least_[0] = 0;
        for (std::size_t k = 0; k < count; ++k) {
            row_ = least_;
            from_.emplace_back(n + 1, 0);
            fill(1, n, 0, n - 1);
            least_ = row_;
        }
        std::vector<std::uint64_t> classes;
        std::size_t end = n;
        for (std::size_t k = count; k-- > 0 && end > 0; end = from_[k][end]) classes.push_back(ends_[end - 1]);
        std::reverse(classes.begin(), classes.end());
        return classes;
    }

private:
    /// Of the sizes after the first `from`, up to the first `to`, in one class.
    std::uint64_t cost(std::size_t from, std::size_t to) const {
        return ends_[to - 1] * (blocks_[to] - blocks_[from]) - (bytes_[to] - bytes_[from]);
    }
    void fill(std::size_t low, std::size_t high, std::size_t first, std::size_t last) {
        if (low > high) return;
        const std::size_t middle = low + (high - low) / 2;
        std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
        std::size_t place = first;
        for (std::size_t from = first; from <= std::min(last, middle - 1); ++from) {
            const std::uint64_t all = least_[from] + cost(from, middle);
            if (all < least) least = all, place = from;
        }
        row_[middle] = least;
        from_.back()[middle] = place;
        if (middle > low) fill(low, middle - 1, first, place);
        fill(middle + 1, high, place, last);
    }

    std::vector<std::uint64_t> ends_;
    std::vector<std::uint64_t> blocks_{0};
    std::vector<std::uint64_t> bytes_{0};
    std::vector<std::uint64_t> least_, row_;       ///< by how many sizes are covered
    std::vector<std::vector<std::size_t>> from_;   ///< by class and cover: what the classes before it cover
};

}  // namespace

std::vector<std::uint64_t> best_classes(std::span<const sized_blocks> sizes, std::size_t count, std::uint64_t step) {
    ASHLAR_PRE(count != 0 && step != 0);
    return search(sizes, step).best(count);
}

// Between two usual classes each further class saves at most as much as the one before it (the costs have the quadrangle
// inequality), so the best so many of all are those of the greatest savings.
std::vector<std::uint64_t> classes_beside(std::span<const sized_blocks> sizes, std::span<const std::uint64_t> usual, std::size_t count,
                                          std::uint64_t step, std::uint64_t least) {
    ASHLAR_PRE(step != 0);
    struct saving {
        std::uint64_t bytes;
        std::size_t gap;
    };
    std::vector<std::vector<sized_blocks>> gaps(usual.size());
    for (const auto& s : sizes) {
        const auto fits = std::lower_bound(usual.begin(), usual.end(), s.size);
        if (fits != usual.end() && s.blocks != 0) gaps[static_cast<std::size_t>(fits - usual.begin())].push_back(s);
    }
    std::vector<saving> savings;
    for (std::size_t g = 0; g < gaps.size(); ++g) {
        if (gaps[g].empty()) continue;
        gaps[g].push_back({usual[g], 0});
        std::uint64_t before = rounded_away(gaps[g], std::array{usual[g]});
        for (std::size_t k = 1; k <= count; ++k) {
            const std::uint64_t now = rounded_away(gaps[g], best_classes(gaps[g], k + 1, step));
            if (before - now < std::max<std::uint64_t>(1, least)) break;
            savings.push_back({before - now, g});
            before = now;
        }
    }
    std::sort(savings.begin(), savings.end(), [](const saving& a, const saving& b) { return a.bytes != b.bytes ? a.bytes > b.bytes : a.gap < b.gap; });
    if (savings.size() > count) savings.resize(count);
    std::vector<std::uint64_t> added;
    for (std::size_t g = 0; g < gaps.size(); ++g) {
        const auto here = static_cast<std::size_t>(std::count_if(savings.begin(), savings.end(), [g](const saving& s) { return s.gap == g; }));
        if (here == 0) continue;
        const auto best = best_classes(gaps[g], here + 1, step);
        added.insert(added.end(), best.begin(), best.end() - 1);  // the last is the usual one
    }
    return added;
}

std::uint64_t rounded_away(std::span<const sized_blocks> sizes, std::span<const std::uint64_t> classes) {
    std::uint64_t sum = 0;
    for (const auto& s : sizes) {
        const auto fits = std::lower_bound(classes.begin(), classes.end(), s.size);
        if (fits != classes.end()) sum += (*fits - s.size) * s.blocks;
    }
    return sum;
}

}  // namespace ashlar
