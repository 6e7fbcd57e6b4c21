// ashlar/strategy/page.hpp - whole pages straight from the operating system.
//
// Layer:      strategy
// Source:     mmap(2), mremap(2): the kernel's own allocator of address space.
// Picture:    [ asked for . . . . . | rest of the last page ]   every block begins and ends at a page
// Complexity: two system calls to allocate, one to deallocate; at most a page less one byte of waste a block.
// Failure:    refuses when the system refuses address space or memory, and nothing stays reserved. That is not
//             known beforehand, so there is no `available`.
// Threads:    as the page source: the system's may be used by any thread.
// Invariants: page.I1  a live block is the committed range [p, p + size rounded up to the page size)
// Checked by: tests/strategy/page_test.cpp
//
// The default upstream of every strategy that expands: without state where the page source has none.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/os/page_source.hpp"

namespace ashlar {

template <os::page_source Pages = os::system_pages>
class page {
public:
    static constexpr bool is_thread_safe = std::same_as<Pages, os::system_pages>;

    page() noexcept = default;
    explicit page(ref<Pages> pages) noexcept : pages_(pages) {}

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t size = rounded(l);
        const auto reserved = pages_->reserve(size, l.align() > unit() ? l.align() : unit());
        if (!reserved) return reserved;
        if (!pages_->commit(reserved->data, size)) {
            give_back(reserved->data, size);
            return alloc_error{};
        }
        return block{reserved->data, size};
    }
    /// Fresh pages are zero.
    result<block> allocate_zeroed(layout l) noexcept { return allocate(l); }

    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() != 0 && is_aligned(p, unit()) && is_aligned(p, l.align()));  // page.I1
        give_back(p, rounded(l));
    }

    /// Within the last page always, beyond it where the address space behind is free.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(now.size() >= old.size() && now.align() == old.align());
        if (rounded(now) == rounded(old)) return block{p, rounded(old)};
        return pages_->remap(p, rounded(old), rounded(now), false);
    }
    /// Gives the pages behind the new end back.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(now.size() <= old.size() && now.size() != 0 && now.align() == old.align());
        const std::size_t keep = rounded(now);
        const std::size_t rest = rounded(old) - keep;
        if (rest != 0 && !pages_->release(p + keep, rest)) return alloc_error{};
        return block{p, keep};
    }
    /// Moves the mapping instead of the bytes, unless an alignment above the page forbids it.
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
        ASHLAR_PRE(now.size() != 0 && live_bytes <= old.size() && live_bytes <= now.size());
        if (now.align() <= unit() || (now.align() == old.align() && rounded(now) <= rounded(old))) {
            const bool may_move = now.align() <= unit();
            if (rounded(now) == rounded(old)) return block{p, rounded(now)};
            const auto remapped = pages_->remap(p, rounded(old), rounded(now), may_move);
            if (remapped) return remapped;
        }
        const auto made = allocate(now);
        if (!made) return made;
        std::memcpy(made->data, p, live_bytes);
        deallocate(p, old);
        return made;
    }

private:
    std::size_t unit() const noexcept { return pages_->page_size(); }
    std::size_t rounded(layout l) const noexcept { return align_up(l.size(), unit()); }  // size <= PTRDIFF_MAX

    /// A refused release (the kernel's limit on mappings) can only be met by giving back the memory, if not the
    /// addresses.
    void give_back(std::byte* p, std::size_t size) noexcept {
        if (!pages_->release(p, size)) static_cast<void>(pages_->decommit(p, size));
    }

    [[no_unique_address]] ref<Pages> pages_;
};

static_assert(growable<page<>> && shrinkable<page<>> && zeroing<page<>> && reallocating<page<>>);
static_assert(std::is_empty_v<page<>>);

}  // namespace ashlar
