#include "ashlar/observe/heap_layout.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {
namespace {

/// Joins neighbouring cells until no more than the limit are left.
class map_maker {
public:
    void add(std::uint64_t first_page, std::uint64_t pages, std::uint64_t bytes_each) {
        while ((pages >> bits_) > heap_layout::cell_limit) coarsen();  // else one block of a damaged trace takes all memory
        for (std::uint64_t page = first_page, left = pages; left > 0;) {
            const std::uint64_t number = page >> bits_;
            const std::uint64_t here = std::min(left, ((number + 1) << bits_) - page);
            if (cells_.empty() || cells_.back().number != number) cells_.push_back({number, 0, 0});
            cells_.back().pages += here;
            cells_.back().bytes += here * bytes_each;
            page += here;
            left -= here;
            if (cells_.size() > 2 * heap_layout::cell_limit) coarsen();
        }
    }
    void finish(heap_layout& to) {
        while (cells_.size() > heap_layout::cell_limit) coarsen();
        to.cell_bits = bits_;
        to.map = std::move(cells_);
    }

private:
    void coarsen() {
        ++bits_;
        std::size_t kept = 0;
        for (heap_layout::cell c : cells_) {
            c.number >>= 1;
            if (kept > 0 && cells_[kept - 1].number == c.number) {
                cells_[kept - 1].pages += c.pages;
                cells_[kept - 1].bytes += c.bytes;
            } else {
                cells_[kept++] = c;
            }
        }
        cells_.resize(kept);
    }

    std::vector<heap_layout::cell> cells_;
    unsigned bits_ = 0;
};

/// Adds up what lies in each page. Blocks come by address.
class page_counter {
public:
    explicit page_counter(heap_layout& to) : to_(to) {}

    void add(const placed_block& b) {
        std::uint64_t begin = b.address;
        // An address near the end of all addresses, out of a damaged trace: the block ends there.
        const std::uint64_t end = begin + std::max<std::uint64_t>(b.size, 1) > begin ? begin + std::max<std::uint64_t>(b.size, 1) : UINT64_MAX;
        if (open_ && page_of(begin) < page_) begin = page_ * heap_layout::page_bytes;
        if (begin >= end) return;
        const std::uint64_t last = page_of(end - 1);
        if (!open_ || page_of(begin) != page_) turn_to(page_of(begin));
        const auto in_page = [&](std::uint64_t from, std::uint64_t to) {
            here_.push_back({b.stack, b.size == 0 ? 0 : to - from});
        };
        if (last == page_) return in_page(begin, end);
        in_page(begin, (page_ + 1) * heap_layout::page_bytes);
        if (const std::uint64_t between = last - page_ - 1; between > 0) {
            const std::uint64_t first = page_ + 1;
            turn_to(last);
            to_.pages += between;
            to_.by_share[heap_layout::shares] += between;
            map_.add(first, between, heap_layout::page_bytes);
        } else {
            turn_to(last);
        }
        in_page(last * heap_layout::page_bytes, end);
    }

    void finish() {
        close();
        map_.finish(to_);
        for (const auto& [stack, row] : sparse_) to_.sparse.push_back(row);
        std::sort(to_.sparse.begin(), to_.sparse.end(), [](const auto& x, const auto& y) {
            return x.unused != y.unused ? x.unused > y.unused : x.stack < y.stack;
        });
    }

private:
    struct part {
        std::uint32_t stack;
        std::uint64_t bytes;
    };
    static std::uint64_t page_of(std::uint64_t address) { return address / heap_layout::page_bytes; }

    void turn_to(std::uint64_t page) {
        close();
        page_ = page;
        open_ = true;
    }
    void close() {
        if (!open_) return;
        open_ = false;
        std::uint64_t bytes = 0;
        for (const part& p : here_) bytes += p.bytes;
        bytes = std::min(bytes, heap_layout::page_bytes);
        ++to_.pages;
        ++to_.by_share[(bytes * heap_layout::shares + heap_layout::page_bytes - 1) / heap_layout::page_bytes];
        map_.add(page_, 1, bytes);
        if (bytes <= heap_layout::sparse_bytes) share_out(bytes);
        here_.clear();
    }
    void share_out(std::uint64_t bytes) {
        ++to_.sparse_pages;
        to_.sparse_live += bytes;
        std::uint64_t left = heap_layout::page_bytes - bytes, weights = 0;
        for (const part& p : here_) weights += std::max<std::uint64_t>(p.bytes, 1);
        for (const part& p : here_) {  // the last part has what is left: nothing is lost to rounding (heap_layout.I2)
            const std::uint64_t weight = std::max<std::uint64_t>(p.bytes, 1), unused = left * weight / weights;
            auto& row = sparse_[p.stack];
            row.stack = p.stack;
            row.live.add(p.bytes);
            row.unused += unused;
            left -= unused;
            weights -= weight;
        }
        ASHLAR_INVARIANT(left == 0);
    }

    heap_layout& to_;
    map_maker map_;
    std::unordered_map<std::uint32_t, heap_layout::sparse_row> sparse_;
    std::vector<part> here_;
    std::uint64_t page_ = 0;
    bool open_ = false;
};

/// Finds lines with blocks of more than one thread. Blocks come by address; only a block's first and last line can be shared.
class line_counter {
public:
    explicit line_counter(heap_layout& to) : to_(to) {}

    void add(const placed_block& b) {
        if (b.size == 0 || b.address + b.size < b.address) return;
        const std::uint64_t first = b.address / heap_layout::line_bytes, last = (b.address + b.size - 1) / heap_layout::line_bytes;
        if (first != line_) turn_to(first);
        meet(b);
        if (last != first) turn_to(last);
        here_.push_back({b.stack, b.thread});
    }
    void finish() {
        for (const auto& [key, row] : pairs_) to_.sharing.push_back(row);
        std::sort(to_.sharing.begin(), to_.sharing.end(), [](const auto& x, const auto& y) {
            if (x.lines != y.lines) return x.lines > y.lines;
            return std::pair(x.stack, x.other_stack) < std::pair(y.stack, y.other_stack);
        });
    }

private:
    struct owner {
        std::uint32_t stack, thread;
    };
    void turn_to(std::uint64_t line) {
        line_ = line;
        here_.clear();
        told_.clear();
    }
    void meet(const placed_block& b) {
        for (const owner& o : here_) {
            if (o.thread == b.thread) continue;
            if (told_.empty()) ++to_.shared_lines;
            const bool swapped = b.stack < o.stack;
            const std::uint64_t key = swapped ? std::uint64_t{b.stack} << 32 | o.stack : std::uint64_t{o.stack} << 32 | b.stack;
            if (std::find(told_.begin(), told_.end(), key) != told_.end()) continue;
            told_.push_back(key);
            if (pairs_.size() >= heap_layout::pair_limit && !pairs_.contains(key)) continue;
            const owner one = swapped ? owner{b.stack, b.thread} : o, other = swapped ? o : owner{b.stack, b.thread};
            ++pairs_.try_emplace(key, heap_layout::sharing_row{one.stack, other.stack, one.thread, other.thread, 0}).first->second.lines;
        }
    }

    heap_layout& to_;
    std::unordered_map<std::uint64_t, heap_layout::sharing_row> pairs_;
    std::vector<owner> here_;
    std::vector<std::uint64_t> told_;  // pairs of this line: each counts once
    std::uint64_t line_ = UINT64_MAX;
};

}  // namespace

heap_layout lay_out(std::vector<placed_block>& blocks) {
    heap_layout layout;
    std::sort(blocks.begin(), blocks.end(), [](const placed_block& a, const placed_block& b) { return a.address < b.address; });
    page_counter pages(layout);
    line_counter lines(layout);
    for (const placed_block& b : blocks) {
        layout.live.add(b.size);
        pages.add(b);
        lines.add(b);
    }
    pages.finish();
    lines.finish();
    return layout;
}

}  // namespace ashlar
