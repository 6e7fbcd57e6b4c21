// ashlar/malloc/metadata.hpp - the memory of malloc's own records, apart from all blocks.
//
// Layer:      malloc
// Picture:    chunk [ record record record ......................... ]  records are packed, touched pages few
// Complexity: O(1); a chunk of 256 KiB of address space at a time, doubling to 4 MiB.
// Failure:    refuses with null when a chunk is refused; nothing changes.
// Threads:    one at a time (the caller's lock).
// Invariants: metadata.I1  what take gave lies in one chunk and is given once; nothing is ever taken back
// Checked by: tests/malloc/metadata_test.cpp
//
// Records of one kind are reused through their owners' lists. Overflows of blocks cannot reach them, and
// programs with few spans touch few pages.
#pragma once

#include <cstddef>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/os/page_source.hpp"

namespace ashlar::malloc {

template <os::page_source Pages>
class metadata {
public:
    /// @returns size bytes, zero, at a multiple of align (a power of two up to 64); null when refused
    std::byte* take(Pages& pages, std::size_t size, std::size_t align) noexcept {
        std::size_t at = align_up(used_, align);
        if (chunk_.data == nullptr || size > chunk_.size || at > chunk_.size - size) {
            if (!add_chunk(pages, size)) return nullptr;
            at = align_up(sizeof(header), align);
        }
        used_ = at + size;
        return chunk_.data + at;
    }
    /// For tests: gives every chunk back.
    void destroy(Pages& pages) noexcept {
        while (chunk_.data != nullptr) {
            const block last = chunk_;
            chunk_ = reinterpret_cast<header*>(last.data)->previous;
            pages.release(last.data, last.size);
        }
    }
    /// Bytes of address space that were reserved.
    std::size_t reserved() const noexcept { return reserved_; }

private:
    struct header {
        block previous;  ///< the chunk before this one
    };
    static constexpr std::size_t first_chunk = 256 * 1024;
    static constexpr std::size_t last_chunk = 4 * 1024 * 1024;

    bool add_chunk(Pages& pages, std::size_t size) noexcept {
        const std::size_t least = align_up(size + sizeof(header) + 64, std::size_t{64} * 1024);
        const std::size_t wish = reserved_ < first_chunk ? first_chunk : reserved_ < last_chunk ? reserved_ : last_chunk;
        const auto granted = pages.reserve_up_to(wish > least ? wish : least, least, pages.page_size());
        if (!granted) return false;
        if (!pages.commit(granted->data, granted->size)) {
            pages.release(granted->data, granted->size);
            return false;
        }
        pages.advise(granted->data, granted->size, os::advice::no_huge_pages);  // a wish: sparse pages stay small
        reinterpret_cast<header*>(granted->data)->previous = chunk_;
        chunk_ = *granted;
        reserved_ += granted->size;
        return true;
    }

    block chunk_{nullptr, 0};
    std::size_t used_ = 0;
    std::size_t reserved_ = 0;
};

}  // namespace ashlar::malloc
