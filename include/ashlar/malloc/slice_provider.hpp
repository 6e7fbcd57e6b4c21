// ashlar/malloc/slice_provider.hpp - slices out of reservations that grow with the program.
//
// Layer:      malloc
// Picture:    region 0 (32 MiB)   region 1 (32 MiB)   region 2 (64 MiB) ... at most as much as there is already
// Complexity: take: O(regions + bitmap words); a system call when a region must grow or be added.
// Failure:    refuses when no run fits and the system refuses a region: then nothing has changed.
// Threads:    one at a time (the caller's lock), except that the caller may purge outside of it: a run that
//             start_purge gave is nobody's until finish_purge.
// Invariants: slice_provider.I1  used + free slices = slices of all regions
//             slice_provider.I2  a run reads as zero when take says that none of it is touched, and one slice reads as
//                                zero behind what is touched
// Checked by: tests/malloc/slice_provider_test.cpp
#pragma once

#include <atomic>
#include <new>

#include "ashlar/malloc/metadata.hpp"
#include "ashlar/malloc/options.hpp"
#include "ashlar/malloc/slice_region.hpp"

namespace ashlar::malloc {

struct slice_run {
    std::byte* data;
    std::size_t count;
    std::size_t touched;  ///< bytes that may not read as zero, and that have memory
};

template <os::page_source Pages>
class slice_provider {
public:
    /// Space that is reserved at once; each later region is as large as all before it, up to the last.
    static constexpr std::size_t first_region = std::size_t{32} << 20;
    static constexpr std::size_t last_region = std::size_t{1} << 30;

    /// `count` slices at a multiple of align (a power of two). @returns data == nullptr when refused
    slice_run take(Pages& pages, metadata<Pages>& meta, std::size_t count, std::size_t align) noexcept {
        if (count == 1 && align <= slice_size && dirty() != 0) {
            for (slice_region* r = first_; r != nullptr; r = r->next) {
                const std::size_t at = r->find_dirty();
                if (at != slice_region::none) return take_at(*r, at, 1);
            }
        }
        for (slice_region* r = first_; r != nullptr; r = r->next) {
            const std::size_t at = r->find(count, align);
            if (at != slice_region::none && committed(pages, *r, at + count)) return take_at(*r, at, count);
        }
        slice_region* r = add_region(pages, meta, count, align);
        if (r == nullptr) return {nullptr, 0, 0};
        const std::size_t at = r->find(count, align);
        if (at == slice_region::none || !committed(pages, *r, at + count)) return {nullptr, 0, 0};
        return take_at(*r, at, count);
    }
    /// Enlarges a run where it is. @returns whether it could; nothing changes otherwise
    bool extend(Pages& pages, std::byte* data, std::size_t count, std::size_t now) noexcept {
        slice_region& r = *region_of(data);
        const std::size_t end = r.index_of(data) + count;
        if (!r.is_free(end, now - count) || !committed(pages, r, end + now - count)) return false;
        take_at(r, end, now - count);
        return true;
    }
    /// `written`: bytes from the front that were written to.
    void give(std::byte* data, std::size_t count, std::size_t written) noexcept {
        slice_region& r = *region_of(data);
        change_dirty(r.give(r.index_of(data), count, written));
        used_ -= count;
    }

    /// Takes a run of dirty slices out, for the caller to purge. @returns data == nullptr when there is none
    slice_run start_purge(bool only_old, std::size_t most) noexcept {
        slice_region* last = nullptr;  // what is taken next comes from the first that has room
        for (slice_region* r = first_; r != nullptr; r = r->next) {
            if (r->has_dirty(only_old)) last = r;
        }
        if (last == nullptr) return {nullptr, 0, 0};
        std::size_t at = 0;
        std::size_t touched = 0;
        const std::size_t count = last->take_dirty(only_old, most, at, touched);
        used_ += count;
        change_dirty(0 - touched);
        return {last->address_of(at), count, touched};
    }
    /// The system took the memory of a run in use behind its first `bytes`, which are at most a slice.
    void note_trimmed(std::byte* data, std::size_t count, std::size_t bytes) noexcept {
        slice_region& r = *region_of(data);
        r.forget_behind(r.index_of(data), count, bytes);
    }
    void finish_purge(const slice_run& run, bool purged) noexcept {
        slice_region& r = *region_of(run.data);
        if (purged) r.forget(r.index_of(run.data), run.count);
        give(run.data, run.count, 0);
    }
    /// Gives back free address space: the free slices at the end of each region, dirty ones too.
    /// What the system does not take stays as it is. @returns bytes of address space that were released
    template <os::page_source Source>
    std::size_t give_back_space(Source& pages) noexcept {
        const std::size_t before = reserved_;
        last_ = nullptr;
        for (slice_region** link = &first_; *link != nullptr;) {
            slice_region* const r = *link;
            cut(pages, *r);
            if (r->slices() == 0) {
                *link = r->next;
                r->next = unused_;
                unused_ = r;
            } else {
                last_ = r;
                link = &r->next;
            }
        }
        return before - reserved_;
    }
    void age() noexcept {
        for (slice_region* r = first_; r != nullptr; r = r->next) r->age();
    }

    std::size_t used() const noexcept { return used_; }
    /// Bytes of free slices that have memory. May be read without the lock; it is then a moment old.
    std::size_t dirty() const noexcept { return dirty_.load(std::memory_order_relaxed); }
    std::size_t reserved() const noexcept { return reserved_; }
    slice_region* regions() const noexcept { return first_; }
    slice_region* region_of(const std::byte* p) const noexcept {
        for (slice_region* r = first_; r != nullptr; r = r->next) {
            if (r->contains(p)) return r;
        }
        return nullptr;
    }
    /// What every new region is advised.
    void advise_regions(thp_policy policy) noexcept { huge_ = policy; }
    /// For tests: gives every region back.
    void destroy(Pages& pages) noexcept {
        for (slice_region* r = first_; r != nullptr; r = r->next) {
            pages.release(r->base(), r->slices() * slice_size);
        }
        first_ = last_ = nullptr;
    }

private:
    /// Adds; written under the lock only, so a load and a store do. relaxed: a figure, it publishes nothing.
    void change_dirty(std::size_t by) noexcept { dirty_.store(dirty() + by, std::memory_order_relaxed); }
    slice_run take_at(slice_region& r, std::size_t at, std::size_t count) noexcept {
        const std::size_t touched = r.take(at, count);
        used_ += count;
        change_dirty(0 - touched);
        return {r.address_of(at), count, touched};
    }
    /// Commits by doubling, so that a region costs few calls and the system is charged for what is used.
    bool committed(Pages& pages, slice_region& r, std::size_t end) noexcept {
        if (end <= r.committed) return true;
        constexpr std::size_t least = 16;  // a MiB
        std::size_t wish = r.committed * 2 > end ? r.committed * 2 : end;
        if (wish < least) wish = least;
        if (wish > r.slices()) wish = r.slices();
        std::byte* from = r.address_of(r.committed);
        if (!pages.commit(from, (wish - r.committed) * slice_size)) {
            if (wish == end || !pages.commit(from, (end - r.committed) * slice_size)) return false;
            wish = end;
        }
        r.committed = wish;
        return true;
    }
    template <os::page_source Source>
    void cut(Source& pages, slice_region& r) noexcept {
        const std::size_t count = r.free_end();
        if (count == 0 || !pages.release(r.address_of(r.slices() - count), count * slice_size)) return;
        change_dirty(0 - r.cut(count));
        reserved_ -= count * slice_size;
    }
    /// A record for a region of so many slices, of one that has gone or a new one. @returns null when refused
    slice_region* record_of(Pages& pages, metadata<Pages>& meta, std::byte* base, std::size_t slices) noexcept {
        for (slice_region** link = &unused_; *link != nullptr; link = &(*link)->next) {
            slice_region* const r = *link;
            if (r->capacity() < slices) continue;
            *link = r->next;
            r->begin_again(base, slices);
            return r;
        }
        std::byte* record = meta.take(pages, sizeof(slice_region) + slice_region::table_bytes(slices), 64);
        if (record == nullptr) return nullptr;
        return ::new (record) slice_region(base, slices, reinterpret_cast<std::uint64_t*>(record + sizeof(slice_region)));
    }
    slice_region* add_region(Pages& pages, metadata<Pages>& meta, std::size_t count, std::size_t align) noexcept {
        std::size_t least = count * slice_size;
        if (align > slice_size) least += align - slice_size;
        std::size_t wish = reserved_ < first_region ? first_region
                           : reserved_ < last_region ? reserved_ : last_region;
        // Under a limit of address space stacks, libraries and files need their share too.
        if (const std::size_t share = os::address_space_limit() / 16; wish > share) wish = align_down(share, slice_size);
        const auto granted = pages.reserve_up_to(wish > least ? wish : least, least, slice_size);
        if (!granted) return nullptr;
        const std::size_t slices = granted->size / slice_size;
        const std::size_t whole = slices * slice_size;  // a halved wish need not be whole slices
        if (whole != granted->size) pages.release(granted->data + whole, granted->size - whole);
        slice_region* const r = record_of(pages, meta, granted->data, slices);
        if (r == nullptr) {
            pages.release(granted->data, whole);
            return nullptr;
        }
        // wishes: what the system does about them changes no contents
        if (huge_ == thp_policy::always) pages.advise(granted->data, whole, os::advice::huge_pages);
        if (huge_ == thp_policy::never) pages.advise(granted->data, whole, os::advice::no_huge_pages);
        (last_ != nullptr ? last_->next : first_) = r;
        last_ = r;
        reserved_ += whole;
        return r;
    }

    slice_region* first_ = nullptr;
    slice_region* last_ = nullptr;
    slice_region* unused_ = nullptr;  ///< records of regions that were given back whole
    std::size_t used_ = 0;   ///< slices
    std::atomic<std::size_t> dirty_{0};  ///< bytes
    std::size_t reserved_ = 0;
    thp_policy huge_ = thp_policy::automatic;
};

}  // namespace ashlar::malloc
