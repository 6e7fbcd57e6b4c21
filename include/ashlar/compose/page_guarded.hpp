// ashlar/compose/page_guarded.hpp - every block at the end of its own pages, with an inaccessible page behind it.
//
// Layer:      compose
// Source:     Perens, Electric Fence, 1987.
// Picture:    [ . . . . block ~ ][ no access ]      ~ fewer bytes than the alignment, watched
// Complexity: four system calls a block; its size rounded up to pages, and a page.
// Failure:    refuses when the page source does; nothing is kept then.
// Threads:    one at a time.
// Invariants: page_guarded.I1  the pages of a block follow from its address and layout alone
//             page_guarded.I2  freed pages stay reserved and inaccessible until Kept blocks more were freed
// Checked by: tests/compose/page_guarded_test.cpp
//
// A read or write past the block, and any use of it after it was freed, is a fault at that very instruction. What the
// alignment leaves between block and page end is compared when the block is freed. For one block in many, or for tests.
#pragma once

#include <cstring>

#include "ashlar/compose/block_report.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/os/page_source.hpp"

namespace ashlar {

template <os::page_source Pages = os::system_pages, std::size_t Kept = 16>
class page_guarded {
    static_assert(Kept > 0);

public:
    explicit page_guarded(ref<Pages> pages) noexcept : pages_(pages) {}
    page_guarded() noexcept
        requires stateless<Pages>
    {}
    page_guarded(const page_guarded&) = delete;
    page_guarded& operator=(const page_guarded&) = delete;
    ~page_guarded() { trim(); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const auto part = parts(l);
        if (!part) return alloc_error{};
        const std::size_t page = pages_->page_size();
        const auto r = pages_->reserve(part->size() + page, part->align());
        if (!r) return alloc_error{};
        if (!pages_->commit(r->data, part->size())) {
            static_cast<void>(pages_->release(r->data, part->size() + page));
            return alloc_error{};
        }
        std::byte* const p = r->data + part->size() - tail(l);
        std::memset(p + l.size(), gap_pattern, tail(l) - l.size());
        return block{p, l.size()};
    }
    /// @pre l is the layout it was granted with: the block is not longer than it was asked for
    void deallocate(std::byte* p, layout l) noexcept {
        for (const std::byte* at = p + l.size(); at != p + tail(l); ++at) {
            if (std::to_integer<int>(*at) == gap_pattern) continue;
            (block_report() << "written past the block of " << l.size() << " bytes at " << p).stop(__FILE__, __LINE__);
        }
        const std::size_t part = parts(l)->size();
        const block pages{p + tail(l) - part, part + pages_->page_size()};  // page_guarded.I1
        if (!pages_->decommit(pages.data, part)) {
            static_cast<void>(pages_->release(pages.data, pages.size));  // rather gone at once than still accessible
            return;
        }
        block& oldest = kept_[next_];
        if (oldest.data != nullptr) static_cast<void>(pages_->release(oldest.data, oldest.size));
        oldest = pages;  // page_guarded.I2
        next_ = (next_ + 1) % Kept;
    }

    /// Releases the pages of the blocks freed last.
    void trim() noexcept {
        for (block& b : kept_) {
            if (b.data != nullptr) static_cast<void>(pages_->release(b.data, b.size));
            b = {nullptr, 0};
        }
    }

private:
    static constexpr int gap_pattern = 0xfd;

    /// The block and the gap behind it.
    static constexpr std::size_t tail(layout l) noexcept { return l.padded().size(); }
    /// The accessible pages: whole ones, and a multiple of the alignment so that the block's end is its pages' end.
    result<layout> parts(layout l) const noexcept {
        const std::size_t page = pages_->page_size();
        const auto whole = l.aligned_to(page);
        if (!whole) return alloc_error{};
        const layout padded = whole->padded();
        return padded.size() > layout::max_size - page ? result<layout>(alloc_error{}) : padded;
    }

    [[no_unique_address]] ref<Pages> pages_;
    block kept_[Kept] = {};  // a ring of what was freed last; null: none yet
    std::size_t next_ = 0;
};

}  // namespace ashlar
