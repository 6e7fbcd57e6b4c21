// ashlar/malloc/span_store.hpp - what all heaps share: the page map, the slices, the records, the large blocks.
//
// Layer:      malloc
// Picture:    heap  -- new_span / give_span -->  records + page map + slice_provider  -- pages --> system
//             any   -- take_large / give_large -> runs of slices up to 4 MiB, mappings above
//             free slices are dirty until purged: after one to two delays, or when too many are kept
// Complexity: find: two loads. The rest takes the lock; system calls when regions grow, and to purge.
// Failure:    refuses with null, and nothing has changed; a failing purge leaves slices dirty.
// Threads:    any. Purging is done outside of the lock.
// Invariants: span_store.I1  find(p) is the span of p for every address within small, medium and run spans, and
//                            for the first slice of a mapping; a record of kind `none` otherwise
//             span_store.I2  a record is in use, or in the list of free records
// Checked by: tests/malloc/span_store_test.cpp, tests/malloc/refusal_test.cpp
// Long:       the state that all heaps share, and the queries that the paths of malloc and free inline; the rest is in five files.
//
// The map lies in this object, which is in static storage: free reaches it by one address known when linking.
#pragma once

#include "ashlar/foundation/ref.hpp"
#include "ashlar/foundation/size_class.hpp"
#include "ashlar/malloc/guard_pool.hpp"
#include "ashlar/malloc/large_blocks.hpp"
#include "ashlar/malloc/misuse.hpp"
#include "ashlar/malloc/options.hpp"
#include "ashlar/malloc/retrying_pages.hpp"
#include "ashlar/malloc/routes.hpp"
#include "ashlar/malloc/sampling.hpp"
#include "ashlar/malloc/slice_provider.hpp"
#include "ashlar/malloc/small_class.hpp"
#include "ashlar/malloc/span.hpp"
#include "ashlar/malloc/tiny_lock.hpp"

namespace ashlar::malloc {

/// `Routes`: how many pools and arenas for chosen call sites there may be (routes.hpp). Classes are the usual ones, then those
/// that were added while the program runs, then one for each route.
template <os::page_source Pages, atomics_policy Atomics = std_atomics, std::size_t Routes = 0>
class span_store {
public:
    using pages_type = Pages;
    using atomics = Atomics;
    using span_type = span<Atomics>;
    using node = typename span_type::node;
    using lock_type = tiny_lock<Atomics>;

    static constexpr std::size_t routes = Routes;
    static constexpr std::size_t added_classes = 8;  ///< at most
    static constexpr std::size_t first_route = size_class_count + added_classes;
    static constexpr std::size_t class_count = first_route + Routes;
    static constexpr std::size_t largest_small = 8 * 1024;
    static constexpr std::size_t largest_run = std::size_t{4} << 20;
    static constexpr std::size_t medium_slices = 8;
    static constexpr std::size_t tail_kept = 16 * 1024;  ///< of a slice used before, for the first span of its class
    static constexpr std::size_t slack = 256 * 1024;  ///< of free memory is always worth keeping

    constexpr span_store() noexcept requires stateless<Pages> = default;
    constexpr explicit span_store(ref<Pages> pages) noexcept : pages_(pages) {}
    span_store(const span_store&) = delete;
    span_store& operator=(const span_store&) = delete;

    // --- queries -------------------------------------------------------------------------------------------
    span_type* find(const void* p) noexcept { return map_.find(p); }
    /// find, and then the mappings whose place in the page map was refused.
    span_type* find_slowly(const void* p) noexcept;
    const options& settings() const noexcept { return options_; }
    /// What links and marks are encoded with (encoded_link.hpp): set before the first block.
    std::uintptr_t key() const noexcept { return key_; }
    std::uintptr_t seal_key() const noexcept { return seal_key_; }  ///< seal.hpp

    // --- spans of equal blocks -----------------------------------------------------------------------------
    /// @returns an empty span of that class for that owner, or null
    /// `first`: the owner has no other of that class, so perhaps little of it will be used: it keeps little of the memory
    /// that its slices had before.
    span_type* new_span(void* owner, std::uint32_t owner_id, std::size_t size_class, bool first = false) noexcept;
    /// @pre nothing of it is out, and it is in no list or mailbox
    void give_span(span_type* s) noexcept;
    /// The owner has cut the bytes between two places of the span into blocks.
    void note_carved(const span_type& s, std::size_t from, std::size_t to) noexcept {
        needed_.fetch_add(to - from, std::memory_order_relaxed);
        if (to <= s.touched) return;
        resident_.fetch_add(to - (from > s.touched ? from : s.touched), std::memory_order_relaxed);
    }
    /// Lets the fast path of free serve the span, if it may (span.I3).
    void open(span_type& s, std::uint32_t owner_id) const noexcept {
        const bool slow = options_.zero_on_free != 0 || options_.harden != 0;  // heap_hardened.I1
        const bool usual = s.size_class < size_class_count;
        const bool closed = slow || (usual ? s.block_size > small_class_limit : s.kind == span_kind::arena);
        closed ? s.close(owner_id) : s.open(owner_id);
    }

    // --- routes ----------------------------------------------------------------------------------------------
    /// @pre no block was granted yet
    void set_route(std::size_t number, route by) noexcept requires(Routes != 0) { routes_.of[number] = by; }
    /// Makes a route a size class beside the usual ones, whoever asks. @pre as set_route; bytes is a multiple of 16, at most largest_routed
    void add_class(std::size_t number, std::uint32_t bytes) noexcept requires(Routes != 0) {
        set_route(number, {route_kind::pool, bytes});
        classes_.add(bytes, static_cast<std::uint8_t>(first_route + number), [this](std::size_t c) { return size_of(c); });
    }
    /// The class of a size, for the heaps of threads.
    const class_table& classes() const noexcept { return classes_; }
    /// Makes blocks of so many bytes a class while the program runs, for all threads.
    /// @pre bytes is a multiple of 16, at most class_table::largest
    /// @returns it; 0 if there can be no more
    std::size_t add_class(std::uint32_t bytes) noexcept {
        const holding guard(lock_);
        if (const std::size_t c = classes_.of(bytes); size_of(c) == bytes) return c;  // another thread was first
        for (std::size_t i = 0; i < added_classes; ++i) {
            if (added_[i].load(std::memory_order_relaxed) != 0) continue;
            added_[i].store(bytes, std::memory_order_relaxed);  // relaxed: as class_table says
            classes_.add(bytes, static_cast<std::uint8_t>(size_class_count + i), [this](std::size_t c) { return size_of(c); });
            return size_class_count + i;
        }
        return 0;
    }
    const route& route_at(std::size_t number) const noexcept requires(Routes != 0) { return routes_.of[number]; }
    /// Spans that a route had at its greatest. @pre the lock is held
    std::uint32_t most_spans_of(std::size_t number) const noexcept requires(Routes != 0) { return routes_.most_spans[number]; }
    static bool is_routed(const span_type& s) noexcept { return Routes != 0 && s.size_class >= first_route; }
    /// Bytes of the blocks of a class; and how many more they are than those of the class below.
    std::size_t size_of(std::size_t c) const noexcept {
        if (c < size_class_count) return size_of_class(c);
        if constexpr (Routes != 0) {
            if (c >= first_route) return route_at(c - first_route).kind == route_kind::arena ? chunk_starts::granule : route_at(c - first_route).block_size;
        }
        return added_[c - size_class_count].load(std::memory_order_relaxed);
    }
    std::size_t step_of(std::size_t c) const noexcept {
        if constexpr (Routes != 0) {  // any size that fits deletes a routed block; of those in chunks the record does not tell
            if (c >= first_route) return route_at(c - first_route).kind == route_kind::arena ? ~std::size_t{0} : size_of(c);
        }
        const std::size_t bytes = size_of(c), usual = class_of_size(bytes);
        return bytes - (usual == 0 ? 0 : size_of_class(usual - 1));
    }

    // --- large blocks --------------------------------------------------------------------------------------
    /// @pre size <= PTRDIFF_MAX and so is size rounded up to align
    /// @returns the span of a block of at least `size` bytes, or null
    span_type* take_large(std::size_t size, std::size_t align) noexcept;
    void give_large(span_type* s) noexcept;
    /// Grows or shrinks without copying; the block may move if it is a mapping. @returns false: it is as it was
    bool resize_large(span_type* s, std::size_t size) noexcept;

    // --- blocks between guard pages (span_store_guarded.hpp) --------------------------------------------------
    /// How many slow calls of a heap there are to one that asks for such a block.
    std::uint32_t guard_pace() const noexcept { return ~guard_pace_.load(std::memory_order_relaxed); }
    /// @pre size != 0, align is a power of two. @returns a block of zeros, of exactly that size; null if none is due
    void* take_guarded(std::size_t size, std::size_t align) noexcept;
    /// Ends it, or reports that it has ended, or that something was written beside it.
    void give_guarded(span_type& s, const char* call) noexcept;
    void set_guard_watcher(const guard_watcher* watcher) noexcept { guard_watcher_ = watcher; }
    const guard_pool<retrying_pages<Pages>>& guards() const noexcept { return guards_; }

    // --- giving back ---------------------------------------------------------------------------------------
    /// To be called now and then: purges what has been free for the delay.
    void tick() noexcept;
    /// f is called, once or more, after something has become free. Null: nobody is
    void call_when_dirty(void (*f)()) noexcept { when_dirty_.store(f, std::memory_order_release); }
    /// Whether there is anything for tick to give back. Read without the lock.
    bool has_dirty() noexcept {
        if (slices_.dirty() != 0) return true;
        const holding guard(lock_);
        return large_.cached() != 0;
    }
    /// Gives back everything that is free. @returns bytes given back
    std::size_t trim() noexcept;
    /// When the system has refused: gives back address space that is of no use now. @returns whether there was any
    bool give_back_space() noexcept;

    // --- limits (span_store_limits.hpp) ----------------------------------------------------------------------
    /// To be asked before `bytes` more are used: gives back what is kept, as far as the limits want it.
    /// @returns whether the hard limit allows them
    bool admit(std::size_t bytes) noexcept {
        return taken() + kept() + bytes <= watched_.load(std::memory_order_relaxed) || admit_slowly(bytes);
    }
    /// Is called once, without a lock, when more than `growth_watched` is first used: it may look for a limit that the
    /// process runs under, and tell it to set_ceiling.
    void set_growth_handler(void (*handler)()) noexcept { growth_handler_ = handler; }
    /// The system allows so much: what is kept is kept within it, as far as the user set nothing else.
    void set_ceiling(std::size_t bytes) noexcept;
    static constexpr std::size_t growth_watched = std::size_t{32} << 20;

    // --- fork (heap_fork.hpp) --------------------------------------------------------------------------------
    /// In the child, of a process that had other threads.
    void note_torn_fork() noexcept { ++forks_; }
    /// @returns whether other threads could grant and free blocks of the span while the kernel copied it: the fast paths
    ///          of malloc and free go on then. Of spans of equal blocks.
    bool may_be_torn(const span_type& s) const noexcept {
        return s.forks != forks_ && !s.shared && options_.harden != 2;
    }

    // --- a heap profile (sampling.hpp) -----------------------------------------------------------------------
    const block_sampler* sampler() const noexcept { return sampler_.load(std::memory_order_acquire); }
    /// Null for no profile. What it points to stays.
    void set_sampler(const block_sampler* sampler) noexcept { sampler_.store(sampler, std::memory_order_release); }

    // --- the process ---------------------------------------------------------------------------------------
    void configure(const options& chosen) noexcept;
    /// Changes one setting that may change at run time; what it asks for is done at once.
    void change(setting options::*which, std::int64_t value) noexcept;
    /// @pre key is a secret, not 0; no block was granted yet
    void set_keys(std::uintptr_t key, std::uintptr_t seal_key) noexcept {
        key_ = key;
        seal_key_ = seal_key | 1;  // blocks begin at multiples of 16: no canary's first byte is zero, as a string's end is
    }
    void report(const misuse& what) const noexcept;
    misuse_handler set_handler(misuse_handler handler) noexcept {
        return handler_.exchange(handler, std::memory_order_acq_rel);
    }
    lock_type& lock() noexcept { return lock_; }
    /// Calls f(span&) for every record in use. @pre the lock is held
    template <class F>
    void for_each_span(F f) noexcept;
    /// Calls f(span&) for every record, in use or not, until f returns false: f takes the lock when it looks closely.
    /// @returns whether f never did
    template <class F>
    bool for_each_record(F f) noexcept;
    retrying_pages<Pages>& pages() noexcept { return pages_; }
    metadata<retrying_pages<Pages>>& meta() noexcept { return meta_; }
    const slice_provider<retrying_pages<Pages>>& slices() const noexcept { return slices_; }
    const large_blocks<retrying_pages<Pages>>& large() const noexcept { return large_; }
    std::size_t peak_bytes() const noexcept { return peak_; }
    std::uint64_t purged_bytes() const noexcept { return purged_; }
    /// About what the system has given: what blocks were cut from, what is free and kept, and mappings.
    std::size_t resident_bytes() const noexcept {
        return taken() + kept();
    }
    /// Large blocks granted so far.
    std::uint64_t large_taken() const noexcept { return large_taken_; }
    /// Gives every reservation back. For tests: nothing of it may be used afterwards.
    void destroy() noexcept;

private:
    static constexpr std::size_t records_in_slab = 31;
    struct record_slab {
        alignas(128) record_slab* next;
        span_type records[records_in_slab];
    };

    span_type* take_span(void* owner, std::uint32_t owner_id, std::size_t size_class) noexcept;
    void trim_tail(span_type& s) noexcept;
    span_type* take_record() noexcept;
    void give_record(span_type* s) noexcept;
    bool map(span_type* s) noexcept;
    span_type* take_run(std::size_t size, std::size_t align) noexcept;
    span_type* take_mapping(std::size_t size, std::size_t align) noexcept;
    bool resize_run(span_type* s, std::size_t size) noexcept;
    bool resize_mapping(span_type* s, std::size_t size) noexcept;
    void purge_down_to(std::size_t bytes, bool only_old) noexcept;
    void give_back_if_due(bool with_time) noexcept;
    void give_back_excess(std::size_t growth = 0) noexcept;
    void put_back(span_type* s) noexcept;
    std::size_t fence_bytes() noexcept { return pages_.page_size(); }
    static std::size_t fence_of_run(const span_type& s) noexcept { return s.slices * slice_size - s.block_size; }
    bool fence(std::byte* pages, std::size_t bytes) noexcept;
    bool take_fence_away(std::byte* pages, std::size_t bytes) noexcept;
    bool hold_large(span_type* s) noexcept;
    bool let_large_go(std::size_t count) noexcept;
    void end_large(span_type* s) noexcept;
    bool admit_slowly(std::size_t bytes) noexcept;
    static constexpr std::uint32_t never_guarded = ~std::uint32_t{0};
    /// Kept as its complement: what is all zero at first takes no pages of the library's file.
    void set_guard_pace(std::uint32_t calls) noexcept { guard_pace_.store(~calls, std::memory_order_relaxed); }
    bool guard_due() noexcept;
    std::size_t guards_allowed() noexcept;
    void watch_limits() noexcept;
    /// Bytes that blocks and what they are cut from have; bytes that are free and kept. Read without the lock.
    std::size_t taken() const noexcept { return resident_.load(std::memory_order_relaxed) + large_.live() + guards_.live(); }
    std::size_t kept() const noexcept { return slices_.dirty() + large_.cached(); }
    /// admit asks without the lock, and several threads may at once. @pre the lock is held
    bool passes_hard_limit(std::size_t bytes) const noexcept {
        const std::size_t hard = options_.hard_limit_bytes.bytes();
        return hard != 0 && taken() + kept() + bytes > hard;
    }
    /// Bytes that a span needs; and bytes of memory that it has, which is more where its slices were touched before.
    static std::size_t need_of(const span_type& s) noexcept {
        return s.kind == span_kind::run ? s.block_size : s.carved() * s.block_size;
    }
    static std::size_t memory_of(const span_type& s) noexcept {
        return need_of(s) > s.touched ? need_of(s) : s.touched;
    }
    void count_in(const span_type& s) noexcept {
        needed_.fetch_add(need_of(s), std::memory_order_relaxed);
        resident_.fetch_add(memory_of(s), std::memory_order_relaxed);
        note_peak();
    }
    void count_out(const span_type& s) noexcept {
        needed_.fetch_sub(need_of(s), std::memory_order_relaxed);
        resident_.fetch_sub(memory_of(s), std::memory_order_relaxed);
    }
    void count_route(const span_type& s, int by) noexcept {
        if constexpr (Routes != 0) {
            if (!is_routed(s)) return;
            const std::size_t r = s.size_class - first_route;
            routes_.spans[r] += static_cast<std::uint32_t>(by);
            if (routes_.spans[r] > routes_.most_spans[r]) routes_.most_spans[r] = routes_.spans[r];
        }
    }
    void note_peak() noexcept {
        const std::size_t needed = needed_.load(std::memory_order_relaxed) + large_.live() + guards_.live();
        if (needed > most_needed_.load(std::memory_order_relaxed)) most_needed_.store(needed, std::memory_order_relaxed);
        const std::size_t bytes = slices_.used() * slice_size + large_.live() + guards_.live();
        if (bytes > peak_) peak_ = bytes;
    }
    std::size_t page_up(std::size_t size) noexcept { return align_up(size, pages_.page_size()); }

    os::page_map<span_type, Atomics> map_;  // first: its root then lies where the object does, and free adds nothing
    std::uintptr_t key_ = 0;
    std::uintptr_t seal_key_ = 0;
    std::uint8_t forks_ = 0;  ///< between this process and the first, of those that had other threads; modulo 256
    lock_type lock_;
    retrying_pages<Pages> pages_;
    options options_{options::zeros()};  // until configure
    typename Atomics::template atomic<misuse_handler> handler_{nullptr};
    metadata<retrying_pages<Pages>> meta_;
    slice_provider<retrying_pages<Pages>> slices_;
    large_blocks<retrying_pages<Pages>> large_;
    span_list<span_type> mappings_;
    span_type* free_records_ = nullptr;
    record_slab* slabs_ = nullptr;
    std::size_t peak_ = 0;
    /// Estimates, for give_back_excess: bytes that blocks are cut from; memory that spans have; the most needed ever.
    typename Atomics::template atomic<std::size_t> needed_{0};
    typename Atomics::template atomic<std::size_t> resident_{0};
    typename Atomics::template atomic<std::size_t> most_needed_{0};
    /// The least of the limits, and of growth_watched until it was passed: below it admit has nothing to do.
    typename Atomics::template atomic<std::size_t> watched_{0};
    typename Atomics::template atomic<bool> grown_{false};
    void (*growth_handler_)() = nullptr;
    typename Atomics::template atomic<const block_sampler*> sampler_{nullptr};
    [[no_unique_address]] route_table<Routes> routes_{};
    typename Atomics::template atomic<std::uint32_t> added_[added_classes]{};  ///< bytes of each
    class_table classes_{};  ///< filled by configure: a store of zeros is no part of a library's file
    guard_pool<retrying_pages<Pages>> guards_;
    const guard_watcher* guard_watcher_ = nullptr;
    span_type* first_held_ = nullptr;  ///< large blocks that have ended, with harden = 2, by next_in_mail
    span_type* last_held_ = nullptr;
    std::size_t held_ = 0;
    typename Atomics::template atomic<std::uint32_t> guard_pace_{0};  ///< its complement; see set_guard_pace
    typename Atomics::template atomic<std::uint64_t> next_guard_{0};
    std::uint64_t purged_ = 0;
    std::uint64_t large_taken_ = 0;
    typename Atomics::template atomic<std::uint64_t> next_sweep_{0};
    typename Atomics::template atomic<void (*)()> when_dirty_{nullptr};
};

}  // namespace ashlar::malloc

#include "ashlar/malloc/span_store_guarded.hpp"
#include "ashlar/malloc/span_store_large.hpp"
#include "ashlar/malloc/span_store_limits.hpp"
#include "ashlar/malloc/span_store_spans.hpp"
