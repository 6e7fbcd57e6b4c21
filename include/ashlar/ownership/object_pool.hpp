// ashlar/ownership/object_pool.hpp - objects of one type that are acquired and released, by lease, handle or pointer.
//
// Layer:      ownership
// Picture:    chunks   [ slot ] [ slot slot ] [ slot slot slot slot ] ...    each twice the one before; none ever moves
//             slot     { object | next free, index, generation }
// Complexity: all O(1) beside the upstream and T's own; reserve and the end O(slots). take is 5 instructions and put 3,
//             inlined, beside T's constructor and destructor (-O2, no checks). 8 bytes a slot; 16 when recycled.
// Failure:    refuses when `limit` objects are live, or when none is free and the upstream refuses another chunk; what a
//             constructor throws passes through. The pool is then as it was.
// Threads:    one at a time.
// Invariants: object_pool.I1  the free list holds the carved slots that have no owner and are not used up, each once
//             object_pool.I2  a handle refers to an object exactly when its generation is its slot's
//             object_pool.I3  a slot's generation never comes back: it is 0 for good instead of wrapping
// Checked by: tests/ownership/object_pool_test.cpp, tests/budgets/pools.cpp
// Long:       the lease and the handle are two ways into one slot; apart, each would need the other's insides.
//
// An object has one owner: a lease, which releases it; or, once detached, whoever releases the handle; or whoever puts
// the pointer back that take gave. A stale handle gets null and releases nothing. put of what take did not give, or gave
// and has back, breaks the contract at ASHLAR_CHECKS 1 (at 2 the chunks are searched). Objects that handles own end with the pool; leases must not
// outlive it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/ownership/handle.hpp"

namespace ashlar {

/// Every acquired object is constructed, every released one destroyed.
struct renewed {};
/// Objects are constructed by default once, and kept. Reset{}(object) is called when one is released.
template <class Reset>
struct recycled {};

struct object_pool_size {
    std::uint32_t first = 64;                         ///< objects in the first chunk; rounded up to a power of two
    std::uint32_t limit = std::uint32_t{1} << 30;  ///< objects at most
};

namespace detail {
/// Where a free slot's link lies: in the object's place, or beside the object that is kept.
template <class T, class Policy>
struct object_slot {
    object_slot() noexcept : next(nullptr) {}
    ~object_slot() {}
    union {
        T object;
        object_slot* next;
    };
    std::uint32_t mark = 0;
    std::uint32_t generation = 1;
};
template <class T, class Reset>
struct object_slot<T, recycled<Reset>> {
    object_slot() noexcept {}
    ~object_slot() {}
    union {
        T object;
    };
    object_slot* next = nullptr;
    std::uint32_t mark = 0;
    std::uint32_t generation = 1;
};
}  // namespace detail

template <class T, allocator Upstream, class Policy = renewed>
class object_pool {
    using slot = detail::object_slot<T, Policy>;
    static constexpr bool keeps_objects = !std::is_same_v<Policy, renewed>;

public:
    class lease;

    /// @pre 0 < size.first; size.limit <= 2^30
    explicit object_pool(ref<Upstream> upstream, object_pool_size size = {}) noexcept
        : upstream_(upstream), limit_(size.limit), first_(std::bit_ceil(size.first)) {
        ASHLAR_PRE(size.first != 0 && size.first <= most && size.limit <= most);
    }
    explicit object_pool(object_pool_size size = {}) noexcept
        requires stateless<Upstream>
        : object_pool(ref<Upstream>(), size) {}
    object_pool(const object_pool&) = delete;
    object_pool& operator=(const object_pool&) = delete;
    /// @pre every lease and every taken object has ended
    ~object_pool() {
        for (std::uint32_t i = 0; i < carved_; ++i) {
            slot& s = at(i);
            ASHLAR_PRE((s.mark & taken) == 0);
            if (keeps_objects || (s.mark & detached) != 0) s.object.~T();
        }
        for (std::size_t k = 0; k < chunk_count_; ++k) {
            upstream_->deallocate(reinterpret_cast<std::byte*>(chunks_[k]), chunk_layout(k));
        }
    }

    /// @returns a lease of an object made of the arguments (recycled: as Reset left it), empty where it was refused
    template <class... Arguments>
    [[nodiscard]] lease acquire(Arguments&&... arguments) {
        return lease(*this, take(std::forward<Arguments>(arguments)...).value_or(nullptr));
    }

    /// The same without a lease: give it to put.
    template <class... Arguments>
        requires(keeps_objects ? sizeof...(Arguments) == 0 : std::is_constructible_v<T, Arguments...>)
    result<T*> take(Arguments&&... arguments) {
        slot* s = free_;
        if (s == nullptr) [[unlikely]] {
            s = carve();
            if (s == nullptr) return alloc_error{};
        } else {
            free_ = s->next;
        }
        if constexpr (!keeps_objects) build(*s, std::forward<Arguments>(arguments)...);
        set_taken(*s, true);
        return &s->object;
    }
    /// @pre take gave the object, and it was not put back since
    void put(T* object) noexcept {
        ASHLAR_PRE(may_be_taken(object));
        ASHLAR_INVARIANT(is_taken(object));
        slot& s = *slot_of(object);
        set_taken(s, false);
        end(s);
        free_ = with_next(s, free_);
    }

    /// @returns the object; null if it was released. @complexity O(1)
    T* get(handle<T> h) const noexcept {
        if (h.index >= carved_ || !h) return nullptr;
        slot& s = at(h.index);
        return s.generation == h.generation && (s.mark & detached) != 0 ? &s.object : nullptr;  // object_pool.I2
    }
    /// @returns false, and nothing happens, if it was released before
    bool release(handle<T> h) noexcept {
        if (get(h) == nullptr) return false;
        slot& s = at(h.index);
        ++s.generation;  // first, so that the handle is stale for the object's own destructor
        s.mark &= ~detached;
        end(s);
        // object_pool.I3: not used again, but an object that is kept still ends with the pool
        if (s.generation != 0) free_ = with_next(s, free_);
        return true;
    }

    /// Takes memory for so many objects now. @returns false if the limit or the upstream forbids it
    bool reserve(std::uint32_t objects) noexcept {
        if (objects > limit_) return false;
        while (capacity_ < objects) {
            if (!expand()) return false;
        }
        return true;
    }
    /// Gives back the chunks behind the last one that is needed, those only reserved too. Stale handles stay stale.
    /// @complexity O(free and given back slots)
    void trim() noexcept {
        std::uint32_t idle[31]{};
        for (const slot* s = free_; s != nullptr; s = s->next) ++idle[chunk_of(s->mark & index_bits)];
        std::uint32_t keep = chunk_count_;
        while (keep != 0 && idle[keep - 1] == carved_before(keep) - carved_before(keep - 1)) --keep;
        const std::uint32_t left = carved_before(keep);
        for (slot** s = &free_; *s != nullptr;) {
            if (((*s)->mark & index_bits) >= left) *s = (*s)->next;
            else s = &(*s)->next;
        }
        for (std::uint32_t i = left; i < carved_; ++i) {
            // object_pool.I3: whoever stands here later begins where this one ended
            if (at(i).generation > first_generation_) first_generation_ = at(i).generation;
            if constexpr (keeps_objects) at(i).object.~T();
        }
        carved_ = left;
        while (chunk_count_ > keep) {
            --chunk_count_;
            capacity_ -= slots_in(chunk_count_);
            upstream_->deallocate(reinterpret_cast<std::byte*>(chunks_[chunk_count_]), chunk_layout(chunk_count_));
        }
        find_bounds();
    }
    std::uint32_t capacity() const noexcept { return capacity_; }  ///< objects that there is memory for

    /// @returns whether the invariants hold. @complexity O(slots)
    bool consistent() const noexcept {
        std::size_t listed = 0, idle = 0;
        for (const slot* s = free_; s != nullptr && listed <= carved_; s = s->next, ++listed) {
            if ((s->mark & (taken | detached)) != 0 || s->generation == 0) return false;  // object_pool.I1
        }
        for (std::uint32_t i = 0; i < carved_; ++i) {
            const slot& s = at(i);
            if ((s.mark & index_bits) != i) return false;
            idle += (s.mark & (taken | detached)) == 0 && s.generation != 0;
        }
        return listed <= idle && carved_ <= capacity_ && capacity_ <= limit_;
    }

private:
    static constexpr std::uint32_t most = std::uint32_t{1} << 30;
    static constexpr std::uint32_t index_bits = most - 1;
    static constexpr std::uint32_t detached = std::uint32_t{1} << 30;  // a handle owns it
    static constexpr std::uint32_t taken = std::uint32_t{1} << 31;     // a lease or pointer does; kept where checked

    static slot* slot_of(T* object) noexcept { return reinterpret_cast<slot*>(object); }
    static slot* with_next(slot& s, slot* next) noexcept {
        if constexpr (keeps_objects) {
            s.next = next;
        } else {
            ::new (static_cast<void*>(&s.next)) slot*(next);  // the object has ended: its place holds the link
        }
        return &s;
    }
    static void set_taken([[maybe_unused]] slot& s, [[maybe_unused]] bool now) noexcept {
#if ASHLAR_CHECKS >= 1
        s.mark = now ? s.mark | taken : s.mark & ~taken;
#endif
    }
    template <class Reset>
    static void reset(slot& s, recycled<Reset>) noexcept { Reset{}(s.object); }
    static void end(slot& s) noexcept {
        if constexpr (keeps_objects) {
            reset(s, Policy{});
        } else {
            s.object.~T();
        }
    }
    /// The constructor may throw, or take another object from here: the slot is off the list, and goes back on it.
    template <class... Arguments>
    void build(slot& s, Arguments&&... arguments) {
        if constexpr (std::is_nothrow_constructible_v<T, Arguments...>) {
            ::new (static_cast<void*>(&s.object)) T(std::forward<Arguments>(arguments)...);
        } else {
            struct undo {
                object_pool* pool;
                slot* s;
                ~undo() {
                    if (s != nullptr) pool->free_ = with_next(*s, pool->free_);
                }
            } guard{this, &s};
            ::new (static_cast<void*>(&s.object)) T(std::forward<Arguments>(arguments)...);
            guard.s = nullptr;
        }
    }

    /// Chunk k holds first << k slots, and those before it first * (2^k - 1).
    slot& at(std::uint32_t index) const noexcept {
        const std::uint32_t place = index + first_;
        const std::uint32_t k = chunk_of(index);
        return chunks_[k][place - (first_ << k)];
    }
    std::uint32_t chunk_of(std::uint32_t index) const noexcept {
        return static_cast<std::uint32_t>(std::bit_width(index + first_) - std::bit_width(first_));
    }
    /// The slots ever used of the first k chunks.
    std::uint32_t carved_before(std::uint32_t k) const noexcept {
        const std::uint32_t before = k == 0 ? 0 : (first_ << (k - 1)) - first_ + slots_in(k - 1);
        return before < carved_ ? before : carved_;
    }
    std::uint32_t slots_in(std::size_t k) const noexcept {
        const std::uint32_t before = (first_ << k) - first_, left = limit_ - before;
        return (first_ << k) < left ? first_ << k : left;
    }
    layout chunk_layout(std::size_t k) const noexcept { return *layout::array<slot>(slots_in(k)); }
    /// What can be said without a search: between the chunks there might be anything.
    bool may_be_taken(T* object) const noexcept {
        const auto* const p = reinterpret_cast<const std::byte*>(object);
        if (p < lowest_ || p >= highest_ || reinterpret_cast<std::uintptr_t>(p) % alignof(slot) != 0) return false;
        const std::uint32_t mark = slot_of(object)->mark, index = mark & index_bits;
        return (mark & taken) != 0 && index < carved_ && &at(index).object == object;
    }
    bool is_taken(const T* object) const noexcept {
        const auto* const p = reinterpret_cast<const std::byte*>(object);
        for (std::size_t k = chunk_count_; k-- != 0;) {
            const auto* const begin = reinterpret_cast<const std::byte*>(chunks_[k]);
            if (p < begin || p >= begin + slots_in(k) * sizeof(slot)) continue;
            const auto place = static_cast<std::size_t>(p - begin);
            if (place % sizeof(slot) != 0 || place / sizeof(slot) + (first_ << k) - first_ >= carved_) return false;
            return (chunks_[k][place / sizeof(slot)].mark & taken) != 0;
        }
        return false;
    }

    bool expand() noexcept {
        if (capacity_ >= limit_) return false;
        if (!layout::array<slot>(slots_in(chunk_count_))) return false;
        const auto granted = upstream_->allocate(chunk_layout(chunk_count_));
        if (!granted) return false;
        chunks_[chunk_count_] = reinterpret_cast<slot*>(granted->data);
        capacity_ += slots_in(chunk_count_++);
        find_bounds();
        return true;
    }
    void find_bounds() noexcept {
        lowest_ = highest_ = nullptr;
        for (std::size_t k = 0; k < chunk_count_; ++k) {
            const auto* const begin = reinterpret_cast<const std::byte*>(chunks_[k]);
            const std::byte* const end = begin + chunk_layout(k).size();
            if (lowest_ == nullptr || begin < lowest_) lowest_ = begin;
            if (end > highest_) highest_ = end;
        }
    }
    /// The next slot that was never used; null where there is no memory for one.
    [[gnu::noinline, gnu::cold]] slot* carve() noexcept(!keeps_objects || std::is_nothrow_default_constructible_v<T>) {
        if (carved_ == capacity_ && !expand()) return nullptr;
        slot& s = fresh();
        if constexpr (keeps_objects) {
            ::new (static_cast<void*>(&s.object)) T();
        } else {  // a few more, the first of them to be granted next
            slot** end = &free_;
            for (int more = 0; more < 31 && carved_ + 1 < capacity_; ++more) {
                ++carved_;
                slot& next = fresh();
                *end = &next;
                end = &next.next;
            }
        }
        ++carved_;
        return &s;
    }
    slot& fresh() noexcept {
        slot& s = *::new (static_cast<void*>(&at(carved_))) slot;
        s.mark = carved_;
        s.generation = first_generation_;
        return s;
    }

    slot* free_ = nullptr;
    [[no_unique_address]] ref<Upstream> upstream_;
    std::uint32_t limit_;
    std::uint32_t first_;
    std::uint32_t capacity_ = 0;
    std::uint32_t carved_ = 0;  // slots ever used
    std::uint32_t chunk_count_ = 0;
    std::uint32_t first_generation_ = 1;  // of a slot that is new, or new again
    const std::byte* lowest_ = nullptr;  // every chunk lies in [lowest, highest)
    const std::byte* highest_ = nullptr;
    slot* chunks_[31]{};
};

/// Releases its object when it ends. Two pointers; empty after a move, and where the pool refused.
template <class T, allocator Upstream, class Policy>
class [[nodiscard]] object_pool<T, Upstream, Policy>::lease {
public:
    lease() noexcept = default;
    lease(lease&& from) noexcept : pool_(from.pool_), object_(std::exchange(from.object_, nullptr)) {}
    lease& operator=(lease&& from) noexcept {
        lease old(std::move(*this));
        pool_ = from.pool_;
        object_ = std::exchange(from.object_, nullptr);
        return *this;
    }
    ~lease() { release(); }

    explicit operator bool() const noexcept { return object_ != nullptr; }
    T* get() const noexcept { return object_; }
    /// @pre it is not empty
    T& operator*() const noexcept {
        ASHLAR_PRE(object_ != nullptr);
        return *object_;
    }
    T* operator->() const noexcept { return &**this; }

    /// Ends it early; the lease is then empty.
    void release() noexcept {
        if (object_ != nullptr) pool_->put(std::exchange(object_, nullptr));
    }
    /// From now on the handle owns the object, and the lease is empty. @pre it is not empty
    handle<T> detach() noexcept {
        ASHLAR_PRE(object_ != nullptr);
        slot& s = *slot_of(std::exchange(object_, nullptr));
        set_taken(s, false);
        s.mark |= detached;
        return {s.mark & index_bits, s.generation};
    }

private:
    friend class object_pool;
    lease(object_pool& pool, T* object) noexcept : pool_(&pool), object_(object) {}

    object_pool* pool_ = nullptr;
    T* object_ = nullptr;
};

}  // namespace ashlar
