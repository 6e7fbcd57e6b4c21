// ashlar/ownership/counted_block.hpp - the block of rc and arc: how it is made, destroyed and given back.
//
// Layer:      ownership
// Source:     Rust's RcBox; Deutsch, Bobrow, "An efficient, incremental, automatic garbage collector", CACM 19(9), 1976
//             (counts that reach zero are worked off from a list).
// Picture:    [ pad | number | allocator | layout | counts | value ... ]     a handle points to the value
//                     T[]      stateful A   open T   always: the header is 8 bytes where none of the others is there
// Complexity: one allocation. Destroying a chain of n blocks takes O(n) time and O(1) stack.
// Failure:    make refuses when the allocator does; a constructor's exception passes, the block given back.
// Threads:    as Counts: local_counts one at a time, shared_counts any.
// Invariants: counted_block.I1  the header ends where the value begins, whatever the value's alignment
//             counted_block.I2  a block is given back when the last handle of either kind goes, by its own layout
//             counted_block.I3  a thread destroys values of one handle type one after the other, never one inside another
//                               (but for a block with 196,608 weak handles or above 2^48, which cannot wait)
// Checked by: tests/ownership/counted_block_test.cpp, tests/ownership/rc_test.cpp, tests/ownership/arc_test.cpp
//
// counted_block.I3 has a price: a handle dropped by a destructor of the same type may have its value destroyed only
// after that destructor has returned. So a value may not own the allocator, or anything else, that values of its own
// handle type need when they are destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/ownership/allocator_link.hpp"
#include "ashlar/ownership/counts.hpp"
#include "ashlar/ownership/unfinished.hpp"
#include "ashlar/ownership/value_layout.hpp"
#include "ashlar/ownership/with_tail.hpp"

namespace ashlar {

/// A word of the header that is there only when Present. Tag makes absent ones differ, so that none takes a byte.
template <class Word, bool Present, int Tag>
struct header_word {
    Word word;
};
template <class Word, int Tag>
struct header_word<Word, false, Tag> {};

/// Depends on what a handle of a derived class shares with one of its base, and on nothing else.
template <class A, class Counts, bool Unsized, bool WrittenDown>
struct counted_header {
    [[no_unique_address]] header_word<std::size_t, Unsized, 0> number;
    [[no_unique_address]] allocator_link<A> link;
    [[no_unique_address]] header_word<value_layout, WrittenDown, 1> whole;
    [[no_unique_address]] Counts counts;
};

template <class T, class A, class Counts>
class counted_block {
    using shape_of = payload<T>;

public:
    using object = typename shape_of::object;
    using header = counted_header<A, Counts, shape_of::unsized, open_type<object> && !shape_of::unsized && !optional_deallocate<A>>;
    static_assert(sizeof(header) % 8 == 0 && alignof(header) <= 8);

    static header& header_of(const object* p) noexcept {
        auto* const bytes = reinterpret_cast<std::byte*>(const_cast<std::remove_cv_t<object>*>(p));
        return *std::launder(reinterpret_cast<header*>(bytes - sizeof(header)));  // counted_block.I1
    }
    static Counts& counts(const object* p) noexcept { return header_of(p).counts; }
    static std::size_t number(const object* p) noexcept {
        if constexpr (shape_of::unsized) return header_of(p).number.word;
        return 1;
    }

    /// A block with one strong handle; `construct(place)` makes the value there.
    /// @throws what construct throws; the block is then given back
    template <class Construct>
    static object* make(A& a, std::size_t n, const Construct& construct) {
        const auto value = shape_of::shape(n);
        if (!value) return nullptr;
        const auto where = layout::of<header>().extend(*value);
        if (!where) return nullptr;
        const auto granted = a.allocate(where->whole);
        if (!granted) return nullptr;
        unfinished_block<A> block_of_it(a, granted->data, where->whole);
        std::byte* const place = granted->data + where->offset;
        auto* const head = ::new (static_cast<void*>(place - sizeof(header))) header{{}, allocator_link<A>(a), unknown(), {}};
        if constexpr (requires { head->number.word; }) head->number.word = n;
        object* const made = construct(place);
        block_of_it.keep();
        return made;
    }

    /// The last strong handle has gone: destroys the value, now or when those before it have been destroyed.
    [[gnu::noinline]] static void release(object* p) noexcept {
        // Nothing to run, so nothing to put off.
        if constexpr (std::is_trivially_destructible_v<object> && !requires { shape_of::tail(p); }) return drop_weak(p);
        if (first_waiting != nobody_destroys && counts(p).wait(first_waiting)) {
            first_waiting = reinterpret_cast<std::uintptr_t>(p);
            return;
        }
        if (first_waiting != nobody_destroys) return destroy(p);  // no room for the link: at once (counted_block.I3)
        first_waiting = end_of_list;
        destroy(p);
        while (first_waiting != end_of_list) {
            auto* const next = reinterpret_cast<object*>(first_waiting);
            first_waiting = counts(next).stop_waiting();
            destroy(next);
        }
        first_waiting = nobody_destroys;
    }

    /// One weak handle less, or the one that all strong handles are together.
    static void drop_weak(object* p) noexcept {
        if (counts(p).drop_weak()) give_back(p);
    }

private:
    static constexpr auto unknown() noexcept {
        if constexpr (requires(header h) { h.whole.word; }) {
            return header_word<value_layout, true, 1>{value_layout(layout::of<object>())};
        } else {
            return header_word<value_layout, false, 1>{};
        }
    }
    static void destroy(object* p) noexcept {
        // The layout is in the header, not in the value, and outlives it.
        shape_of::destroy(p, number(p));
        drop_weak(p);
    }
    static void give_back(object* p) noexcept {
        if constexpr (!optional_deallocate<A>) {
            header& head = header_of(p);
            const layout value = value_in(head);
            const auto where = *layout::of<header>().extend(value);
            const allocator_link<A> link = head.link;
            link.deallocate(reinterpret_cast<std::byte*>(const_cast<std::remove_cv_t<object>*>(p)) - where.offset,
                            where.whole);  // counted_block.I2
        }
    }
    static layout value_in(const header& head) noexcept {
        if constexpr (requires { head.whole.word; }) return head.whole.word.unpacked();
        else if constexpr (requires { head.number.word; }) return *shape_of::shape(head.number.word);
        else return layout::of<object>();
    }

    // The list of the blocks that wait on this thread, the newest first. Neither value is the address of an object.
    static constexpr std::uintptr_t nobody_destroys = 0, end_of_list = 8;
    static inline constinit thread_local std::uintptr_t first_waiting = nobody_destroys;
};

}  // namespace ashlar
