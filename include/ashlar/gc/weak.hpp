// ashlar/gc/weak.hpp - references that keep nothing alive, or only under a condition.
//
// Layer:      gc
// Source:     Hayes, "Ephemerons: a new finalization mechanism", OOPSLA 1997.
// Picture:    weak<T> -> { object or null, count } in the heap's ring of weak references
//             ephemeron<K, V>  { key, value, next waiting }   an object of the heap
// Complexity: reading a weak reference is two loads and a root. A collection looks at every weak reference once, and at the
//             ephemerons whose keys it has not found as often as these unlock one another, in alternating order.
// Failure:    making a weak reference takes memory of the heap and throws std::bad_alloc where it is refused.
// Threads:    those of the heap.
// Invariants: weak.I1  a weak reference is null from the collection on that found its object unreachable
//             weak.I2  an ephemeron's value is reachable through it only while its key is reachable otherwise
// Checked by: tests/gc/weak_test.cpp, tests/gc/collected_heap_model_test.cpp
//
// weak<T> may be anywhere, in objects too, and needs no `trace`; copies share a count. An object that has one has a
// destructor. ephemeron<K, V> is made by heap::make and held by a root or a member like any object.
#pragma once

#include <utility>

#include "ashlar/gc/member.hpp"
#include "ashlar/gc/type.hpp"

namespace ashlar::gc {

namespace detail {

struct weak_node : root_node {
    std::size_t count = 0;
};
weak_node* new_weak(void* object);  ///< @throws std::bad_alloc
void end_weak(weak_node* w) noexcept;

struct ephemeron_links {
    reference key, value;
    ephemeron_links* next = nullptr;  ///< while it waits for its key; the last one is its own next
};

/// Marks the value, or has the ephemeron wait.
template <class M>
void mark_ephemeron(void* object, M& m) noexcept {
    m.mark_rest(object, granules_for(sizeof(ephemeron_links)));
    auto& e = *static_cast<ephemeron_links*>(object);
    if (e.key.target == nullptr || e.next != nullptr) return;
    if (m.has(e.key.target)) return m.mark(e.value.target);
    e.next = m.waiting_ephemerons == nullptr ? &e : m.waiting_ephemerons;
    m.waiting_ephemerons = &e;
}

}  // namespace detail

template <class T>
class weak {
public:
    static constexpr bool gc_leaf = true;
    static constexpr bool gc_relocatable = true;

    weak() noexcept = default;
    explicit weak(handle<T> h) : node_(h ? detail::new_weak(h.get()) : nullptr) {}
    weak(const weak& other) noexcept : node_(other.node_) {
        if (node_ != nullptr) ++node_->count;
    }
    weak(weak&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    weak& operator=(weak other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~weak() {
        if (node_ != nullptr && --node_->count == 0) detail::end_weak(node_);
    }

    /// @returns a root of the object, empty once it was found unreachable (weak.I1)
    /// @throws std::bad_alloc where no memory is left for the root
    root<T> lock() const {
        if (expired()) return {};
        detail::noticed(node_->object);
        return root<T>(static_cast<T*>(node_->object));
    }
    bool expired() const noexcept { return node_ == nullptr || node_->object == nullptr; }

private:
    detail::weak_node* node_ = nullptr;
};

template <class K, class V>
class ephemeron : detail::ephemeron_links {
public:
    static constexpr bool gc_relocatable = true;

    /// @pre neither is empty
    ephemeron(handle<K> k, handle<V> v) noexcept {
        detail::noticed(k.get());
        detail::noticed(v.get());
        key.target = k.get();
        value.target = v.get();
    }
    /// @returns the key and the value; both empty once the key was found unreachable (weak.I2)
    /// @throws std::bad_alloc where no memory is left for the root
    root<K> get_key() const { return get<K>(key); }
    root<V> get_value() const { return get<V>(value); }

    void trace(auto& visit) const { visit(key, value); }
    static constexpr void gc_describe(descriptor& d) noexcept {
        d.mark = [](void* p, detail::marker& m) { detail::mark_ephemeron(static_cast<ephemeron*>(p), m); };
        d.mark_shared = [](void* p, detail::shared_marker& m) { detail::mark_ephemeron(static_cast<ephemeron*>(p), m); };
    }

private:
    template <class T>
    static root<T> get(const detail::reference& r) {
        detail::noticed(r.target);
        return root<T>(static_cast<T*>(r.target));
    }
};

}  // namespace ashlar::gc
