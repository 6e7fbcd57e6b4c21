// ashlar/malloc/retrying_pages.hpp - a page source that does not lose what the system would not take back.
//
// Layer:      malloc
// Picture:    release(range) -- refused --> kept[range] -- at the next reserve or release --> tried again
// Complexity: a comparison a call while nothing is kept; tries every kept range otherwise.
// Failure:    release refuses only when `slots` ranges are kept already.
// Threads:    one at a time (the caller's lock), but for purge.
// Invariants: retrying_pages.I1  a range that release accepted is given back, or kept and tried again
// Checked by: tests/malloc/retrying_pages_test.cpp, tests/malloc/refusal_test.cpp
//
// munmap refuses when it would split a mapping and the number of mappings is at its limit (vm.max_map_count).
// That is exactly when address space must not be lost.
#pragma once

#include "ashlar/foundation/ref.hpp"
#include "ashlar/os/page_source.hpp"

namespace ashlar::malloc {

template <os::page_source Under>
class retrying_pages {
public:
    static constexpr std::size_t slots = 32;

    constexpr retrying_pages() noexcept requires stateless<Under> = default;
    constexpr explicit retrying_pages(ref<Under> under) noexcept : under_(under) {}
    retrying_pages(const retrying_pages&) = delete;
    retrying_pages& operator=(const retrying_pages&) = delete;

    std::size_t page_size() noexcept { return under_->page_size(); }
    result<block> reserve(std::size_t size, std::size_t align) noexcept {
        retry();
        return under_->reserve(size, align);
    }
    result<block> reserve_up_to(std::size_t most, std::size_t least, std::size_t align) noexcept {
        retry();
        return under_->reserve_up_to(most, least, align);
    }
    bool release(std::byte* p, std::size_t size) noexcept {
        retry();
        if (under_->release(p, size)) return true;
        if (count_ == slots) return false;
        kept_[count_++] = {p, size};  // retrying_pages.I1
        return true;
    }
    bool commit(std::byte* p, std::size_t size) noexcept { return under_->commit(p, size); }
    bool decommit(std::byte* p, std::size_t size) noexcept { return under_->decommit(p, size); }
    bool purge(std::byte* p, std::size_t size) noexcept { return under_->purge(p, size); }
    result<block> remap(std::byte* p, std::size_t old_size, std::size_t new_size, bool may_move) noexcept {
        return under_->remap(p, old_size, new_size, may_move);
    }
    bool protect(std::byte* p, std::size_t size, os::access allowed) noexcept {
        return under_->protect(p, size, allowed);
    }
    bool populate(std::byte* p, std::size_t size) noexcept { return under_->populate(p, size); }
    bool advise(std::byte* p, std::size_t size, os::advice wish) noexcept { return under_->advise(p, size, wish); }

    /// The source below, for a caller that would rather keep a range than have it kept here.
    Under& direct() noexcept { return *under_; }
    /// Tries to give back everything that is kept. @returns whether nothing is left
    bool retry() noexcept {
        for (std::size_t i = count_; i-- != 0;) {
            if (under_->release(kept_[i].data, kept_[i].size)) kept_[i] = kept_[--count_];
        }
        return count_ == 0;
    }

private:
    [[no_unique_address]] ref<Under> under_;
    block kept_[slots]{};
    std::size_t count_ = 0;
};

static_assert(os::page_source<retrying_pages<os::system_pages>>);

}  // namespace ashlar::malloc
