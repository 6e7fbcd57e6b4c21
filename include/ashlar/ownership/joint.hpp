// ashlar/ownership/joint.hpp - one block for an object and the arrays that belong to it.
//
// Layer:      ownership
// Source:     Ou, Müller, foonathan/memory: joint_ptr (the idea); Rust's Layout::extend (the arithmetic).
// Picture:    joint { T* } -> [ numbers | T | E0 E0 E0 | E1 E1 ]
// Complexity: one allocation whatever the number of arrays; 8 bytes per array in front of T; an array is found in O(arrays).
// Failure:    make_joint refuses when the allocator does or no layout holds it all; exceptions pass, all undone.
// Threads:    as T and the elements.
// Invariants: joint.I1  the numbers end where T begins, and the arrays follow T in order, each at its alignment
//             joint.I2  T is made after its arrays and destroyed before them; the arrays are destroyed last to first
// Checked by: tests/ownership/joint_test.cpp
//
// The arrays are views with checked bounds, and none can outgrow its place: unlike a bump allocator inside the object,
// nothing is left to run out of room. T may be made from its arrays: when it can be constructed from
// (elements<E>..., args...), it is.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/ownership/allocator_link.hpp"
#include "ashlar/ownership/unfinished.hpp"
#include "ashlar/ownership/with_tail.hpp"

namespace ashlar {

/// How many elements each array of a joint block has.
template <std::size_t K>
struct joint_numbers {
    std::size_t of[K];
};

/// The type of the elements of array I.
template <std::size_t I, class E, class... Es>
struct joint_element {
    using type = typename joint_element<I - 1, Es...>::type;
};
template <class E, class... Es>
struct joint_element<0, E, Es...> {
    using type = E;
};

/// Where everything stands in a joint block.
template <class T, class... Es>
struct joint_shape {
    layout whole = layout::of<T>();
    std::size_t object = 0;
    std::size_t begin[sizeof...(Es)] = {};

    /// @returns whether a layout holds it all
    constexpr bool fit(const joint_numbers<sizeof...(Es)>& n) noexcept {
        const auto head = layout::of<joint_numbers<sizeof...(Es)>>().extend(layout::of<T>());
        if (!head) return false;
        whole = head->whole;
        object = head->offset;
        std::size_t i = 0;
        return (follow(layout::array<Es>(n.of[i]), begin[i], i) && ...);
    }

private:
    constexpr bool follow(result<layout> next, std::size_t& where, std::size_t& i) noexcept {
        if (!next) return false;
        const auto both = whole.extend(*next);
        if (!both) return false;
        where = both->offset;
        whole = both->whole;
        ++i;
        return true;
    }
};

/// The one owner of an object and its arrays.
template <deallocator A, class T, class... Es>
class joint {
    static_assert(sizeof...(Es) != 0, "an object without arrays is a box");
    static constexpr std::size_t arrays = sizeof...(Es);
    using numbers = joint_numbers<arrays>;
    template <std::size_t I>
    using element = typename joint_element<I, Es...>::type;

public:
    constexpr joint() noexcept = default;
    joint(joint&& other) noexcept : object_(std::exchange(other.object_, nullptr)), link_(other.link_) {}
    joint& operator=(joint&& other) noexcept {
        joint taken(std::move(other));
        std::swap(object_, taken.object_);
        std::swap(link_, taken.link_);
        return *this;
    }
    ~joint() { reset(); }

    /// Destroys the object, then its arrays, and gives the block back. @post empty
    void reset() noexcept {
        T* const object = std::exchange(object_, nullptr);
        if (object == nullptr) return;
        const numbers n = numbers_of(object);
        joint_shape<T, Es...> shape;
        static_cast<void>(shape.fit(n));  // it did when the block was made
        std::byte* const block_of_it = reinterpret_cast<std::byte*>(object) - shape.object;
        object->~T();  // joint.I2
        destroy_arrays<arrays>(block_of_it, n, shape);
        link_.deallocate(block_of_it, shape.whole);
    }

    /// @pre not empty
    T& operator*() const noexcept {
        ASHLAR_PRE(object_ != nullptr);
        return *object_;
    }
    /// @pre not empty
    T* operator->() const noexcept { return &**this; }
    T* get() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    /// Array I, with checked bounds. @pre not empty
    template <std::size_t I>
        requires(I < arrays)
    elements<element<I>> array() const noexcept {
        ASHLAR_PRE(object_ != nullptr);
        joint_shape<T, Es...> shape;
        const numbers& n = numbers_of(object_);
        static_cast<void>(shape.fit(n));
        std::byte* const at = reinterpret_cast<std::byte*>(object_) - shape.object + shape.begin[I];
        return {reinterpret_cast<element<I>*>(at), n.of[I]};
    }

    /// All in one block; every array value-initialised, then T made from (its arrays..., args...) or from (args...).
    /// @throws what a constructor throws; what was made is then destroyed and the block given back
    template <class... Args>
    static result<joint> make(A& a, const numbers& n, Args&&... args) {
        joint_shape<T, Es...> shape;
        if (!shape.fit(n)) return alloc_error{};
        const auto granted = a.allocate(shape.whole);
        if (!granted) return alloc_error{};
        unfinished_block<A> block_of_it(a, granted->data, shape.whole);
        ::new (static_cast<void*>(granted->data + shape.object - sizeof(numbers))) numbers(n);  // joint.I1
        T* const object = make_after<0>(granted->data, n, shape, [&](auto... made) {
            void* const place = granted->data + shape.object;
            if constexpr (std::is_constructible_v<T, elements<Es>..., Args&&...>) {
                return ::new (place) T(made..., std::forward<Args>(args)...);
            } else {
                return ::new (place) T(std::forward<Args>(args)...);
            }
        });
        block_of_it.keep();
        return joint(object, a);
    }

private:
    joint(T* object, A& a) noexcept : object_(object), link_(a) {}

    static const numbers& numbers_of(const T* object) noexcept {
        const auto* const at = reinterpret_cast<const std::byte*>(object) - sizeof(numbers);
        return *std::launder(reinterpret_cast<const numbers*>(at));
    }
    /// Makes the arrays from the I-th on and then the object; whatever throws, all of it is undone on the way out.
    template <std::size_t I, class Construct, class... Made>
    static T* make_after(std::byte* base, const numbers& n, const joint_shape<T, Es...>& shape, const Construct& construct,
                         Made... made) {
        if constexpr (I == arrays) {
            return construct(made...);
        } else {
            unfinished_elements<element<I>> these(base + shape.begin[I]);
            these.fill(n.of[I]);
            elements<element<I>> view(reinterpret_cast<element<I>*>(base + shape.begin[I]), n.of[I]);
            T* const object = make_after<I + 1>(base, n, shape, construct, made..., view);
            static_cast<void>(these.keep());
            return object;
        }
    }
    /// The arrays before the I-th, the last first.
    template <std::size_t I>
    static void destroy_arrays(std::byte* base, const numbers& n, const joint_shape<T, Es...>& shape) noexcept {
        if constexpr (I != 0) {
            auto* const first = reinterpret_cast<element<I - 1>*>(base + shape.begin[I - 1]);
            unfinished_elements<element<I - 1>>::destroy_elements(first, n.of[I - 1]);
            destroy_arrays<I - 1>(base, n, shape);
        }
    }

    T* object_ = nullptr;
    [[no_unique_address]] allocator_link<A> link_;
};

template <deallocator A, class T, class... Es>
struct niche<joint<A, T, Es...>> {
    static constexpr joint<A, T, Es...> refused() noexcept { return {}; }
    static bool is_refused(const joint<A, T, Es...>& j) noexcept { return !j; }
};

/// make_joint<T, E0, E1>(a, {n0, n1}, args for T...). @pre a outlives the joint
/// @throws what a constructor throws; what was made is then destroyed and the block given back
template <class T, class... Es, allocator A, class... Args>
result<joint<A, T, Es...>> make_joint(A& a, joint_numbers<sizeof...(Es)> n, Args&&... args) {
    return joint<A, T, Es...>::make(a, n, std::forward<Args>(args)...);
}

}  // namespace ashlar
