// ashlar/gc/array.hpp - a collected object of as many elements as were asked for.
//
// Layer:      gc
// Picture:    array<T>  { number | element | element | . . . }
// Complexity: an element is a bounds check and a load; marking visits a hundred and some elements at a time.
// Failure:    an index out of range breaks a precondition.
// Threads:    those of the heap.
// Checked by: tests/gc/array_test.cpp
//
// Made by heap::make_array<T>(n). The elements are members, values, or objects with a `trace`.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "ashlar/gc/type.hpp"

namespace ashlar::gc {

template <class T>
class array {
public:
    static_assert(alignof(T) <= 16, "elements of collected arrays are aligned to 16 bytes at most");

    std::size_t size() const noexcept { return size_; }
    T* data() noexcept { return reinterpret_cast<T*>(reinterpret_cast<std::byte*>(this) + offset); }
    const T* data() const noexcept { return const_cast<array*>(this)->data(); }
    T* begin() noexcept { return data(); }
    T* end() noexcept { return data() + size_; }
    const T* begin() const noexcept { return data(); }
    const T* end() const noexcept { return data() + size_; }
    T& operator[](std::size_t i) noexcept {
        ASHLAR_PRE(i < size_);
        return data()[i];
    }
    const T& operator[](std::size_t i) const noexcept { return const_cast<array&>(*this)[i]; }

    /// What the collector knows of it (type.hpp).
    static constexpr descriptor gc_description() noexcept {
        static_assert(detail::is_reference<T> || detail::has_references<T> || leaf<T>,
                      "say where the references of this type are: gc_members, trace, or gc::leaf");
        descriptor d{detail::type_text<array>(), nullptr, nullptr, nullptr, nullptr, nullptr, offset, 0, relocatable<T>};
        if constexpr (detail::is_reference<T> || detail::has_references<T>) {
            d.mark = &mark_part<detail::marker>;
            d.mark_shared = &mark_part<detail::shared_marker>;
            d.each_slot = &each_slot<detail::slot_visitor>;
            d.update = &each_slot<detail::sliding>;
        }
        if constexpr (!std::is_trivially_destructible_v<T>) {
            d.destroy = [](void* a) noexcept { static_cast<array*>(a)->~array(); };
        }
        return d;
    }

    array(const array&) = delete;
    array& operator=(const array&) = delete;

private:
    friend class heap;

    static constexpr std::size_t offset = alignof(T) > sizeof(std::size_t) ? alignof(T) : sizeof(std::size_t);
    static constexpr std::size_t visited_at_once = 128;

    explicit array(std::size_t n) : size_(0) {
        std::uninitialized_value_construct_n(data(), n);
        size_ = n;
    }
    ~array() { std::destroy_n(data(), size_); }

    template <class M>
    static void mark_part(void* p, M& m) {
        array& a = *static_cast<array*>(p);
        std::size_t i = m.resumed_at();
        if (i == 0) m.mark_rest(p, detail::header_of(p).granules());
        std::size_t end = a.size_;
        if (end - i > visited_at_once) {
            end = i + visited_at_once;
            m.resume(p, end);
        }
        detail::visitor<M> visit{m};
        for (T* const all = a.data(); i != end; ++i) visit(all[i]);
    }
    template <class Sink>
    static void each_slot(void* p, Sink& sink) {
        detail::visitor<Sink> visit{sink};
        for (T& element : *static_cast<array*>(p)) visit(element);
    }
    std::size_t size_;
};

namespace detail {
template <class T>
inline constexpr descriptor descriptor_of<array<T>> = array<T>::gc_description();
}  // namespace detail

}  // namespace ashlar::gc
