// ashlar/malloc/heap.hpp - one thread's heap: a free list per size class, and the spans that they come from.
//
// Layer:      malloc
// Source:     Leijen, Zorn, de Moura, "Mimalloc", APLAS 2019 (lists per page); Lietar et al., "snmalloc", ISMM
//             2019 (a list head per class, accounting by countdown); Berger et al., "Hoard", ASPLOS 2000.
// Picture:    heads_[class] -> block -> block            taken whole from a span, or carved from it
//             partial_[class] -> span <-> span <-> span  the front one feeds heads_
//             full_ -> span <-> span                     until enough of their blocks came back
//             mail_ -> span -> span                      spans with blocks that other threads freed
//             outbox_[span] -> block -> block            freed here, another heap's: sent 2 KiB at a time
// Complexity: pop and push_local O(1), a handful of instructions; refill and events O(1) amortised.
// Failure:    allocate refuses with null when no span is to be had; nothing changes.
// Threads:    the thread that it is attached to; `mail_` and each span's `remote` take from anyone.
// Invariants: heap.I1  the blocks of heads_[c] are carved, belong to no span's list and count as out
//             heap.I2  every span it owns is in partial_[its class] or in full_, and there only once
//             heap.I3  with zero_[c], all blocks of heads_[c] are zero but for their first two words
// Checked by: tests/malloc/heap_test.cpp, tests/malloc/stress_test.cpp, tests/malloc/refusal_test.cpp
// Long:       the state of a heap, and the paths that malloc and free inline; everything else of it is in five files.
#pragma once

#include <cstring>

#include "ashlar/malloc/class_watch.hpp"
#include "ashlar/malloc/heap_registry.hpp"
#include "ashlar/malloc/sampling.hpp"
#include "ashlar/malloc/seal.hpp"
#include "ashlar/malloc/small_class.hpp"
#include "ashlar/malloc/span_store.hpp"

namespace ashlar::malloc {

/// What is counted of one heap when statistics are collected (statistics.hpp). In blocks and bytes.
struct heap_counts {
    std::uint64_t allocations = 0;
    std::uint64_t spans = 0;
    std::uint64_t span_bytes = 0;
    std::uint64_t live_blocks = 0;
    std::uint64_t live_bytes = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t under_way_bytes = 0;
};

namespace detail {

/// A word of a running thread. Any recent value will do, and a word is read whole; the thread that writes it must not
/// pay for that, so this is no atomic and the thread sanitizer is told to look away.
template <class T>
__attribute__((no_sanitize("thread"))) inline T glance(const T& word) noexcept {
    return *static_cast<const volatile T*>(&word);
}

}  // namespace detail

enum class heap_state : std::uint8_t {
    of_thread,  ///< a running thread has it
    ended,      ///< its thread has ended; what it owns is used by others, or waits for its last free
    lost,       ///< its thread was not there any more after a fork
    shared,     ///< made by the program, for any thread (shared_heap.hpp)
};

/// What a caller says about a block that it frees.
struct block_claim {
    std::size_t size;
    std::size_t align;  ///< 0: granted by malloc or realloc, which keeps blocks that are larger than need be
};

template <class Store>
class shared_heap;

template <class Store>
class alignas(64) heap {
public:
    using span_type = typename Store::span_type;
    using node = typename span_type::node;
    using atomics = typename Store::atomics;
    using registry_type = heap_registry<heap>;
    static constexpr std::size_t routes = Store::routes;
    static constexpr std::size_t class_count = Store::class_count;

    constexpr heap() noexcept = default;
    heap(Store& store, registry_type& registry, std::uint32_t id) noexcept
        : id_(id), seal_key_(store.seal_key()), cached_limit_(cached_bytes), store_(&store), registry_(&registry),
          classes_(&store.classes()) {
        if (store.settings().harden == 1 && store.settings().zero_on_free == 0) sealed_tag_ = span_type::closed_tag(id);
    }
    heap(const heap&) = delete;
    heap& operator=(const heap&) = delete;

    // --- the fast paths ------------------------------------------------------------------------------------
    /// @pre size <= small_class_limit
    /// @returns a block, or null: then the slow path is to be asked
    /// `key` and `classes` are the store's. By reference: they are read where they are needed, from addresses of their own.
    void* pop(const std::uintptr_t& key, const class_table& classes, std::size_t size) noexcept {
        return pop_class(key, classes.of_small(size));
    }
    void* pop_class(const std::uintptr_t& key, std::size_t size_class) noexcept {
        node* const head = heads_[size_class];
        if (head == nullptr) [[unlikely]] return nullptr;
        heads_[size_class] = head->next(key);
        head->clear_mark();  // encoded_link.I1
        return head;
    }
    /// The same, of zeros. @pre 1 <= size <= small_class_limit
    void* pop_zeroed(const std::uintptr_t& key, const class_table& classes, std::size_t size) noexcept {
        const std::size_t c = classes.of_small(size);
        void* const p = pop_class(key, c);
        if (p == nullptr) return nullptr;
        if (!zero_[c]) return std::memset(p, 0, size);
        static_cast<node*>(p)->link = 0;  // heap.I3; the mark is 0 already
        return p;
    }
    /// Frees a small block of the heap with the number `mine`. `s` is what the store finds for the address.
    /// @returns false when the slow path is to be asked; nothing changed
    static bool push_local(span_type& s, const std::uintptr_t& key, std::uint32_t mine, void* p) noexcept {
        if (!s.serves(mine, offset_of(p))) [[unlikely]] return false;  // another's, not a block, or closed (span.I3)
        return push(key, s, p);
    }
    /// The same for a caller who says how large the block is; a wrong size is a case for the slow path too.
    static bool push_local(span_type& s, const std::uintptr_t& key, std::uint32_t mine, void* p, std::size_t size) noexcept {
        if (!s.serves(mine, offset_of(p))) [[unlikely]] return false;
        if (s.block_size - size >= s.step) [[unlikely]] return false;  // span.I4
        return push(key, s, p);
    }

    // --- the second paths: blocks above small_class_limit ----------------------------------------------------
    // What this thread frees stands ready for its next request of that class, whoever's span it is of: such blocks share
    // no cache line, are few in a span, and would else make spans come and go.
    static constexpr std::size_t cached_bytes = 64 * 1024;  ///< what stands ready of a class at most, of those freed
    /// @pre small_class_limit < size <= size_class_max. @returns a block, or null: then the slow path is to be asked
    void* pop_cached(const std::uintptr_t& key, const class_table& classes, std::size_t size) noexcept {
        const std::size_t c = classes.of_large(size);
        if (!is_cached(c)) [[unlikely]] return pop_class(key, c);
        node* const head = heads_[c];
        return head != nullptr && node::plausible(head->next(key)) ? take_first(c, head->next(key)) : nullptr;
    }
    /// The same for the slow path, which looks where an odd link leads.
    void* pop_cached_class(const std::uintptr_t& key, std::size_t c) noexcept {
        node* const head = heads_[c];
        if (head == nullptr) return nullptr;
        return take_first(c, node::plausible(head->next(key)) ? head->next(key) : follow(head, c));
    }
    /// The second path of free: what is above small_class_limit stands ready here.
    /// @pre s.unit_magic != 0. @returns false when the slow path is to be asked; nothing changed
    bool keep(const Store& store, const std::uintptr_t& key, const span_type& s, void* p) noexcept;
    /// And a small block of another heap's span joins what is on its way there, the parcel that the slow path began.
    [[gnu::always_inline]] bool push_second(const Store& store, const std::uintptr_t& key, const span_type& s,
                                            void* p) noexcept {
        if (s.unit_magic != 0) return keep(store, key, s, p);
        return s.is_open_at(offset_of(p)) && add_to_parcel(key, s, static_cast<node*>(p));
    }
    [[gnu::always_inline]] bool push_second(const Store& store, const std::uintptr_t& key, const span_type& s, void* p,
                                            std::size_t size) noexcept {
        return s.block_size - size < s.step && push_second(store, key, s, p);
    }
    /// @returns the usable bytes of a block in use that starts at p, and is of no shared heap; 0 when the slow path is to be asked
    static std::size_t bytes_at(Store& store, const std::uintptr_t& key, void* p) noexcept {
        const span_type& s = *store.find(p);
        const bool whole = s.unit_magic != 0 ? s.has_block_at(static_cast<std::uint32_t>(static_cast<std::byte*>(p) - s.start))
                                             : s.is_open_at(offset_of(p));
        return whole && !s.shared && !static_cast<node*>(p)->marked(key) ? s.block_size : 0;
    }
    /// @returns whether a block stays where it is when it is resized. Kept while a quarter of it is in use: who halves an
    ///          array that had room to spare will have it grow again.
    static bool near_enough(std::size_t old, std::size_t size) noexcept {
        return size <= old && (size >= old / 4 || old <= 64);
    }

    // --- the same with harden = 1, before the slow path (heap_hardened.hpp) ------------------------------------
    bool seals() const noexcept { return sealed_tag_ != no_tag; }
    /// @returns a small block with its seal, or null: then the slow path is to be asked
    void* pop_sealed(const std::uintptr_t& key, std::size_t size) noexcept;
    /// @returns false when the slow path is to be asked; nothing changed
    bool push_sealed(const std::uintptr_t& key, span_type& s, void* p, block_claim claim = {0, 0}) noexcept;
    /// @returns the bytes of a small block of this heap, which p then is; `seal::broken` when the slow path is to be asked
    std::size_t sealed_size(const std::uintptr_t& key, const span_type& s, const void* p) const noexcept;
    /// @returns false when it must move. @pre sealed_size did not say otherwise
    bool stays_sealed(const span_type& s, void* p, std::size_t size) const noexcept;

    // --- chosen call sites, of stores with routes (heap_routed.hpp) --------------------------------------------
    /// @pre route < Store::routes. @returns a block, or null: then allocate_routed is to be asked, on the slow path
    void* pop_routed(const std::uintptr_t& key, std::size_t route, std::size_t size) noexcept;
    /// The same of an arena alone. @pre size <= largest_routed
    void* bump(std::size_t route, std::size_t size) noexcept;
    /// @returns null when refused, and for what the route does not serve
    void* allocate_routed(std::size_t route, std::size_t size) noexcept;
    /// @returns false when the slow path is to be asked; nothing changed
    bool push_arena(span_type& s, const std::uintptr_t& key, void* p) noexcept;
    /// @pre rule < most_site_rules
    site_tally& tally_of(std::size_t rule) noexcept { return routed_.sites[rule]; }
    template <class F>
    static bool for_each_in_chunk(const Store& store, const span_type& s, F f) noexcept;
    static constexpr std::uint32_t chunk_kept_out = 1u << 31;  ///< in the countdown of a chunk: it is never empty

    // --- everything else -----------------------------------------------------------------------------------
    /// Any size up to PTRDIFF_MAX. @returns null when refused
    void* allocate(std::size_t size) noexcept;
    void* allocate_zeroed(std::size_t size) noexcept;
    /// @pre align is a power of two
    void* allocate_aligned(std::size_t size, std::size_t align) noexcept;
    /// Frees any block, or reports under the name of the call what must not be freed. `mine` is the heap of the
    /// calling thread; it may be one without a store (a thread that has none).
    static void release(Store& store, registry_type& registry, heap* mine, void* p, const char* call) noexcept;
    /// The same for a caller who gives size and alignment; a block of another size is reported, and stays.
    static void release_sized(Store& store, registry_type& registry, heap* mine, void* p, block_claim claim,
                              const char* call) noexcept;
    /// @pre p != null. @returns null when refused: then the block is as it was
    void* reallocate(void* p, std::size_t size) noexcept;
    /// @returns the usable bytes of the block that starts at p; 0 after a report that there is none
    static std::size_t usable_size(Store& store, void* p, const char* call) noexcept;
    /// Whether blocks of the span that are in use end with a seal (heap_hardened.I3).
    static bool is_sealed(const Store& store, const span_type& s) noexcept;
    /// The same of a block that is in use: what is free or was overrun has the bytes of its class.
    static std::size_t bytes_of(const Store& store, const span_type& s, const std::byte* block) noexcept;
    /// Bytes between the starts of a block and of the next.
    static std::size_t span_bytes_of(const span_type& s, const void* block) noexcept {
        if constexpr (Store::routes != 0) {
            if (s.kind == span_kind::arena) return chunk_starts(s.start).size_at(offset_of(block));
        }
        return s.block_size;
    }
    /// @returns the span of p if a block starts there, after a report null
    static span_type* checked(Store& store, void* p, const char* call) noexcept;

    /// Takes home what other threads freed.
    void read_mail() noexcept;
    /// Gives everything unused back: ready blocks to their spans, empty spans to the store.
    void settle() noexcept;
    /// The same of another thread's heap, as far as can be while it sleeps (heap_sleeping.hpp).
    std::size_t give_back_asleep() noexcept;
    /// How often its thread has read its mail so far.
    std::uint32_t readings() const noexcept { return detail::glance(readings_); }

    // --- fork (heap_fork.hpp) ------------------------------------------------------------------------------
    /// In the parent, of another thread's heap: where its free lists begin. @pre its thread is outside (fork_gate.I1)
    void note_lists() noexcept;
    /// In the child, of a heap whose thread it does not have: makes its spans usable again. Once.
    void mend() noexcept;
    /// In the child, of a block that is freed: @returns whether it stays out, for nobody knows whether it is free already
    bool leaves_out(Store& store, const span_type& s, node* block, const char* call) noexcept;
    /// In the child, of a shared heap: if somebody was in the middle of it, it is lost.
    void find_in_child(bool settled) noexcept;

    struct tally {
        std::uint64_t handed[class_count];  ///< blocks that came into heads_ so far
    };
    const tally& counts() const noexcept { return tally_; }
    /// Blocks of a class that the next calls will give without a slow path. For the thread of this heap alone.
    std::uint64_t ready(std::size_t size_class) const noexcept { return length(heads_[size_class]); }
    /// The same of any heap, for blocks above small_class_limit; 0 for others.
    const std::uint32_t& kept(std::size_t c) const noexcept { return is_cached(c) ? cached_[c - first_cached] : no_block; }
    /// Read and written under the store's lock, when statistics are collected.
    heap_counts& figures() noexcept { return figures_; }
    heap_state state() const noexcept {
        if (dead_.load(std::memory_order_relaxed)) return heap_state::lost;
        if (shared_) return heap_state::shared;
        return orphan_.load(std::memory_order_relaxed) ? heap_state::ended : heap_state::of_thread;
    }
    /// The number that is in the tags of its spans (span.hpp).
    std::uint32_t id() const noexcept { return id_; }
    node* head_of(std::size_t size_class) const noexcept { return heads_[size_class]; }
    Store& store() noexcept { return *store_; }
    bool attached() const noexcept { return store_ != nullptr; }
    auto& inside() noexcept { return inside_; }

private:
    friend registry_type;
    friend shared_heap<Store>;

    static std::uint32_t offset_of(const void* p) noexcept {
        return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(p) & 0xffff);
    }
    static bool push(const std::uintptr_t& key, span_type& s, void* p) noexcept {
        auto* const block = static_cast<node*>(p);
        const std::uintptr_t word = node::encoded(block, key);  // of the mark, and of the link to this block
        if (block->mark == word) [[unlikely]] return false;             // it is free already (encoded_link.I1)
        block->mark = word;
        block->link = s.free;
        s.free = word;
        if (--s.countdown == 0) [[unlikely]] enter(s);
        return true;
    }
    static void enter(span_type& s) noexcept {
        static_cast<heap*>(s.owner.load(std::memory_order_relaxed))->enter_counted_down(s);
    }
    std::uintptr_t key() const noexcept { return store_->key(); }
    static bool fits(Store& store, const span_type& s, const void* p, block_claim claim) noexcept;
    std::uint32_t length(const node* list) const noexcept {
        std::uint32_t n = 0;
        for (; list != nullptr; list = list->next(key())) ++n;
        return n;
    }
    node* follow(node* block, std::size_t size_class) noexcept;
    void* take_first(std::size_t c, node* next) noexcept {
        node* const head = heads_[c];
        heads_[c] = next;
        head->clear_mark();  // encoded_link.I1
        --cached_[c - first_cached];
        return head;
    }
    void* pop_any(std::size_t c) noexcept { return is_cached(c) ? pop_cached_class(key(), c) : pop_class(key(), c); }
    void* allocate_hardened(std::size_t size, std::size_t align) noexcept;
    void* pop_checked(std::size_t c) noexcept;
    void hold(span_type& s, node* block) noexcept;
    void let_go_down_to(std::size_t bytes) noexcept;
    static bool resized_with_seal(Store& store, span_type& s, void* p, std::size_t size) noexcept;
    static bool seal_holds(const Store& store, const span_type& s, void* p, const char* call) noexcept;
    node* carve_hardened(const span_type& s, std::byte* from, std::size_t count) noexcept;
    void* refill(std::size_t size_class) noexcept;
    void* refill_for(std::size_t size, std::size_t size_class) noexcept;
    span_type* usable_span(std::size_t size_class) noexcept;
    bool fills_spans(std::size_t c) const noexcept;
    bool relieve() noexcept;
    void trim() noexcept;
    node* carve(span_type& s) noexcept;
    void become_full(span_type& s) noexcept;
    void counted_down(span_type& s) noexcept;
    void enter_counted_down(span_type& s) noexcept;
    void emptied(span_type& s) noexcept;
    void came_home(span_type& s, const typename remote_list<atomics>::taken& what) noexcept;
    void free_local(span_type& s, node* block) noexcept;
    void mend_span(span_type& s) noexcept;
    static void push_remote(registry_type& registry, span_type& s, node* first, node* last, std::uint32_t count) noexcept;
    static bool all_came_home(const span_type& s) noexcept;
    void send(span_type& s, node* block) noexcept;
    bool add_to_parcel(const std::uintptr_t& key, const span_type& s, node* block) noexcept {
        parcel& to = outbox_[parcel_of(s)];
        const std::uintptr_t word = node::encoded(block, key);
        if (to.span != &s || (to.count + 1) * s.block_size >= parcel_bytes) return false;
        if (block->mark == word) [[unlikely]] return false;  // it is free already (encoded_link.I1)
        block->mark = word;
        block->set_next(to.first, key);
        std::atomic_signal_fence(std::memory_order_release);  // for who forks: what it notes leads to the others
        to.first = block;
        ++to.count;
        return true;
    }
    static std::size_t parcel_of(const span_type& s) noexcept {
        return reinterpret_cast<std::uintptr_t>(&s) / sizeof(span_type) % parcels;
    }
    void send_all() noexcept;
    bool begin_chunk(arena_cursor<span_type>& a, std::size_t route) noexcept;
    bool extend(arena_cursor<span_type>& a, std::size_t size) noexcept;
    void retire(arena_cursor<span_type>& a) noexcept;
    void leave_chunks() noexcept;
    void arena_emptied(span_type& s) noexcept;
    void keep_chunk_out(span_type& s) noexcept;
    static span_type* checked_in_chunk(Store& store, span_type& s, void* p, const char* call) noexcept;
    static bool is_cached(std::size_t c) noexcept { return c - first_cached < size_class_count - first_cached; }
    void* allocate_large(std::size_t size, std::size_t align, bool zeroed) noexcept;
    static void release_large(Store& store, span_type& s) noexcept;
    void follow(const block_sampler& sampler) noexcept {
        // Of a class that is not there yet, the first sample comes when it would of blocks of 512 bytes.
        clock_.follow(sampler, [this](std::size_t c) { return store_->size_of(c) != 0 ? store_->size_of(c) : 512; });
    }
    void* sampled(std::size_t c) noexcept;
    void* guarded(std::size_t size, std::size_t align) noexcept;
    std::uint32_t cut_for_sample(span_type& s, node* list, std::uint32_t count) noexcept;
    static bool resized_in_place(Store& store, span_type& s, void* p, std::size_t size) noexcept;

    /// Blocks of one span of another heap, on their way there together.
    struct parcel {
        span_type* span = nullptr;
        node* first = nullptr;
        node* last = nullptr;
        std::uint32_t count = 0;
        node* first_at_fork = nullptr;  ///< the child may trust the chain from there
    };
    static constexpr std::uint32_t no_block = 0;
    static constexpr std::uint64_t no_tag = 1;  ///< no span has it
    static constexpr std::size_t first_cached = class_of_size(small_class_limit) + 1;
    static constexpr std::size_t parcels = 8;
    static constexpr std::size_t parcel_bytes = 2048;      ///< a parcel is sent when its blocks reach this
    static constexpr std::size_t kept_limit = 512 * 1024;  ///< bytes in empty spans that are kept

    node* heads_[class_count]{};
    std::uint32_t cached_[size_class_count - first_cached]{};  ///< blocks in heads_ of the larger classes
    bool zero_[class_count]{};
    std::uint32_t id_ = no_heap_id;
    std::uintptr_t seal_key_ = 0;  ///< the store's
    std::uint64_t sealed_tag_ = no_tag;  ///< of its spans, if harden = 1 and nothing else asks for the slow path
    std::uint32_t cached_limit_ = 0;  ///< cached_bytes, but of a heap without a store
    std::uint32_t refills_ = 0;
    node* first_held_ = nullptr;  ///< freed with harden = 2, and out of use (heap_hardened.I4)
    node* last_held_ = nullptr;
    std::size_t held_bytes_ = 0;
    std::uint32_t guard_turn_ = 0;  ///< slow calls since it asked for a guarded block (heap_guarded)
    std::uint32_t trims_ = 0;  ///< of the registry's, those that it has done
    typename registry_type::gate_type::flag inside_{false};  ///< its thread is in a slow path (fork_gate.hpp)
    std::uint32_t readings_ = 0;  ///< of its mail
    bool shared_ = false;  ///< it is a shared_heap
    bool torn_ = false;  ///< in the child of fork: to be mended before it is used
    std::size_t kept_ = 0;  ///< bytes carved from spans that are kept though they are empty
    parcel outbox_[parcels]{};
    span_list<span_type> partial_[class_count]{};
    span_list<span_type> full_{};
    Store* store_ = nullptr;
    registry_type* registry_ = nullptr;
    tally tally_{};

    alignas(64) mailbox<span_type, atomics> mail_;
    /// Written under the registry's lock: true while no thread has this heap.
    typename atomics::template atomic<bool> orphan_{false};
    /// Its thread was lost in a fork that could not wait: what it owned stays out for ever (heap_registry.hpp).
    typename atomics::template atomic<bool> dead_{false};
    heap* next_ = nullptr;         ///< in the registry's list of all heaps
    heap* next_orphan_ = nullptr;  ///< in its list of heaps without a thread
    /// Of the registry, which looks for heaps that sleep; under its lock.
    struct {
        std::uint32_t readings;  ///< when it was looked at last
        bool had_mail;           ///< then
        bool asleep;             ///< it has not read that since
        std::uint8_t wait;       ///< looks to leave out, about doubled whenever one was in vain
        std::uint8_t waited;
    } watched_{};
    heap_counts figures_{};
    sample_clock<class_count> clock_{};
    [[no_unique_address]] routed_state<span_type, Store::routes> routed_{};
    const class_table* classes_ = nullptr;  ///< the store's, or the usual ones
    class_watch watch_{};
};

}  // namespace ashlar::malloc

#include "ashlar/malloc/heap_allocate.hpp"
#include "ashlar/malloc/heap_fork.hpp"
#include "ashlar/malloc/heap_free.hpp"
#include "ashlar/malloc/heap_hardened.hpp"
#include "ashlar/malloc/heap_routed.hpp"
#include "ashlar/malloc/heap_sleeping.hpp"
#include "ashlar/malloc/shared_heap.hpp"
