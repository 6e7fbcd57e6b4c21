// ashlar/os/failing_pages.hpp - a page source that refuses on demand, counts, and keeps books.
//
// Layer:      os
// Source:     SQLite's fault simulator (transient and persistent faults at the n-th call).
// Picture:    component -> failing_pages -> system_pages
//                          | the n-th call is refused, once or from then on
//                          | books: what is reserved, what of it is committed
// Complexity: O(log n) a call in the number of ranges; it is made for tests.
// Failure:    the calls it was told to fail, those past the limit, and those that the source below refuses;
//             a refused call does not reach the source below.
// Threads:    any; one lock.
// Invariants: failing_pages.I1  committed ranges lie within reserved ranges
//             failing_pages.I2  a call on a range that is not reserved (or, where it must be, not committed)
//                               breaks a precondition
// Checked by: tests/os/failing_pages_test.cpp
//
// It can also pretend to larger pages (16 or 64 KiB) than the machine has: what is handed on is then a
// multiple of both.
#pragma once

#include <array>
#include <mutex>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/os/page_source.hpp"
#include "ashlar/os/range_set.hpp"

namespace ashlar::os {

/// The calls of a page source that can be refused.
enum class page_call : std::uint8_t { reserve, commit, decommit, purge, release, remap, protect, populate, advise };
enum class lasting : std::uint8_t { once, onwards };

template <page_source Under = system_pages>
class failing_pages {
public:
    static constexpr std::size_t kinds = 9;

    explicit failing_pages(std::size_t pretended_page_size = 0, ref<Under> under = {})
        requires stateless<Under>
        : failing_pages(under, pretended_page_size) {}
    /// @pre pretended_page_size is 0 (as the source below) or a power of two not below the real page size
    explicit failing_pages(ref<Under> under, std::size_t pretended_page_size = 0)
        : under_(under), page_size_(pretended_page_size != 0 ? pretended_page_size : under->page_size()) {
        ASHLAR_PRE(is_power_of_two(page_size_) && page_size_ >= under->page_size());
    }
    failing_pages(const failing_pages&) = delete;
    failing_pages& operator=(const failing_pages&) = delete;

    /// Refuses the n-th call from now, counted from 1, of any kind. One plan is in force at a time.
    void fail(std::size_t n, lasting how = lasting::once) { plan(n, how, kinds); }
    /// Refuses the n-th call of that kind from now, counted from 1.
    void fail(page_call kind, std::size_t n, lasting how = lasting::once) {
        plan(n, how, static_cast<std::size_t>(kind));
    }
    /// No call is refused any more.
    void heal() { plan(0, lasting::once, kinds); }
    /// Refuses every reservation that would take reserved_bytes() past `bytes`, as RLIMIT_AS does.
    void limit(std::size_t bytes) { const std::lock_guard hold(lock_); limit_ = bytes; }

    std::size_t calls() const {
        const std::lock_guard hold(lock_);
        std::size_t sum = 0;
        for (const auto count : calls_) sum += count;
        return sum;
    }
    std::size_t calls(page_call kind) const { return locked([&] { return calls_[static_cast<std::size_t>(kind)]; }); }
    /// How many calls were refused by plan or limit.
    std::size_t refusals() const { return locked([&] { return refusals_; }); }
    std::size_t reserved_bytes() const { return locked([&] { return reserved_.bytes(); }); }
    std::size_t committed_bytes() const { return locked([&] { return committed_.bytes(); }); }
    /// Nothing is reserved: whatever was taken has been released.
    bool balanced() const { return reserved_bytes() == 0; }
    bool is_reserved(const std::byte* p, std::size_t size) const {
        return locked([&] { return reserved_.contains(p, size); });
    }
    bool is_committed(const std::byte* p, std::size_t size) const {
        return locked([&] { return committed_.contains(p, size); });
    }

    std::size_t page_size() noexcept { return page_size_; }
    result<block> reserve(std::size_t size, std::size_t align) noexcept {
        ASHLAR_PRE(size != 0 && is_aligned(size, page_size_) && is_power_of_two(align));
        const std::lock_guard hold(lock_);
        if (refused(page_call::reserve) || past_limit(size)) return alloc_error{};
        const auto granted = under_->reserve(size, align > page_size_ ? align : page_size_);
        if (granted) reserved_.insert(granted->data, size);
        return granted;
    }
    result<block> reserve_up_to(std::size_t most, std::size_t least, std::size_t align) noexcept {
        ASHLAR_PRE(least <= most && least != 0 && is_aligned(least, page_size_));
        for (std::size_t size = most;;) {  // by its own reserve, so that every attempt can be refused
            const auto granted = reserve(size, align);
            if (granted || size == least) return granted;
            const std::size_t half = align_down(size / 2, page_size_);
            size = half > least ? half : least;
        }
    }
    bool commit(std::byte* p, std::size_t size) noexcept {
        return on_reserved(page_call::commit, p, size, [&] {
            if (!under_->commit(p, size)) return false;
            committed_.insert(p, size);
            return true;
        });
    }
    bool decommit(std::byte* p, std::size_t size) noexcept {
        return on_reserved(page_call::decommit, p, size, [&] {
            if (!under_->decommit(p, size)) return false;
            committed_.erase(p, size);
            return true;
        });
    }
    bool release(std::byte* p, std::size_t size) noexcept {
        return on_reserved(page_call::release, p, size, [&] {
            if (!under_->release(p, size)) return false;
            committed_.erase(p, size);
            reserved_.erase(p, size);  // failing_pages.I1: its committed part goes too
            return true;
        });
    }
    /// Where it pretends to larger pages it refuses to move: the source below knows only its own page size.
    result<block> remap(std::byte* p, std::size_t old_size, std::size_t new_size, bool may_move) noexcept {
        ASHLAR_PRE(whole_pages(p, old_size) && whole_pages(p, new_size));
        ASHLAR_PRE(is_committed(p, old_size));  // failing_pages.I2
        const std::lock_guard hold(lock_);
        if (refused(page_call::remap)) return alloc_error{};
        if (new_size > old_size && past_limit(new_size - old_size)) return alloc_error{};
        const auto granted = under_->remap(p, old_size, new_size, may_move && page_size_ == under_->page_size());
        if (!granted) return granted;
        committed_.erase(p, old_size);
        reserved_.erase(p, old_size);
        reserved_.insert(granted->data, new_size);
        committed_.insert(granted->data, new_size);
        return granted;
    }
    bool purge(std::byte* p, std::size_t size) noexcept {
        return on_committed(page_call::purge, p, size, [&] { return under_->purge(p, size); });
    }
    bool protect(std::byte* p, std::size_t size, access allowed) noexcept {
        return on_reserved(page_call::protect, p, size, [&] { return under_->protect(p, size, allowed); });
    }
    bool populate(std::byte* p, std::size_t size) noexcept {
        return on_committed(page_call::populate, p, size, [&] { return under_->populate(p, size); });
    }
    bool advise(std::byte* p, std::size_t size, advice wish) noexcept {
        return on_reserved(page_call::advise, p, size, [&] { return under_->advise(p, size, wish); });
    }

private:
    auto locked(auto read) const {
        const std::lock_guard hold(lock_);
        return read();
    }
    void plan(std::size_t n, lasting how, std::size_t kind) {
        const std::lock_guard hold(lock_);
        until_failure_ = n;
        lasting_ = how;
        failing_kind_ = kind;
    }
    /// Counts the call. @returns whether the plan refuses it
    bool refused(page_call kind) noexcept {
        ++calls_[static_cast<std::size_t>(kind)];
        if (until_failure_ == 0) return false;
        if (failing_kind_ != kinds && failing_kind_ != static_cast<std::size_t>(kind)) return false;
        if (until_failure_ > 1) {
            --until_failure_;
            return false;
        }
        if (lasting_ == lasting::once) until_failure_ = 0;
        ++refusals_;
        return true;
    }
    bool past_limit(std::size_t more) noexcept {
        if (more <= limit_ && reserved_.bytes() <= limit_ - more) return false;
        ++refusals_;
        return true;
    }
    bool whole_pages(const std::byte* p, std::size_t size) const noexcept {
        return size != 0 && is_aligned(size, page_size_) && is_aligned(p, page_size_);
    }
    bool on_reserved(page_call kind, const std::byte* p, std::size_t size, auto call) noexcept {
        ASHLAR_PRE(whole_pages(p, size));
        ASHLAR_PRE(is_reserved(p, size));  // failing_pages.I2
        const std::lock_guard hold(lock_);
        return !refused(kind) && call();
    }
    bool on_committed(page_call kind, const std::byte* p, std::size_t size, auto call) noexcept {
        ASHLAR_PRE(is_committed(p, size));  // failing_pages.I2
        return on_reserved(kind, p, size, call);
    }

    [[no_unique_address]] ref<Under> under_;
    const std::size_t page_size_;
    mutable std::mutex lock_;
    range_set reserved_;
    range_set committed_;
    std::array<std::size_t, kinds> calls_{};
    std::size_t refusals_ = 0;
    std::size_t until_failure_ = 0;  // 0: no plan
    std::size_t failing_kind_ = kinds;  // kinds: any
    std::size_t limit_ = static_cast<std::size_t>(-1);
    lasting lasting_ = lasting::once;
};

static_assert(page_source<failing_pages<>>);

}  // namespace ashlar::os
