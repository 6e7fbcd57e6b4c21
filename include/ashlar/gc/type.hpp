// ashlar/gc/type.hpp - what the collector knows of a type: one `trace`, compiled for each of its uses.
//
// Layer:      gc
// Complexity: a table of functions a type, made at compile time; marking is one indirect call an object.
// Failure:    a type of which nothing is known does not compile.
// Threads:    constants.
// Checked by: tests/gc/type_test.cpp
//
// A type says where its references are in one of three ways; the first that is there counts:
//   static constexpr auto gc_members = gc::members(&node::left, &node::right);
//   void trace(auto& visit) const { visit(left, right, children); }   // members, arrays, pairs, optionals, containers
//   nothing: it has none. It must then be trivially copyable, or gc::leaf<T> be specialised to true.
// The same description serves marking, updating, verification and the snapshot, for `visit` is given the references
// themselves, not their values.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "ashlar/gc/sliding.hpp"
#include "ashlar/gc/marker.hpp"

namespace ashlar::gc {

/// Has no references, though not trivially copyable (std::string, say). Specialise it to true for such a type.
template <class T>
inline constexpr bool leaf = std::is_trivially_copyable_v<T> || requires { requires T::gc_leaf; };

/// May be moved by copying its bytes. Specialise it, or say `static constexpr bool gc_relocatable = true;`
template <class T>
inline constexpr bool relocatable =
    (std::is_trivially_copyable_v<T> && std::is_move_constructible_v<T>) || requires { requires T::gc_relocatable; };

/// The members that hold references.
template <class... M>
constexpr std::tuple<M...> members(M... pointers) noexcept {
    return {pointers...};
}

namespace detail {

/// Stands for any visitor where only the presence of `trace` is asked for.
struct any_visitor {
    template <class... T>
    void operator()(const T&...) noexcept {}
};

template <class T>
concept has_members = requires { T::gc_members; };
template <class T>
concept has_trace = requires(T& object, any_visitor& visit) { object.trace(visit); };
template <class T>
concept is_reference = std::derived_from<T, reference>;
template <class T>
concept is_pair = requires(T& x) { x.first, x.second; };
template <class T>
concept is_range = requires(T& x) { x.begin() != x.end(); };
template <class T>
concept is_optional = requires(T& x) { *x; static_cast<bool>(x); };
template <class>
inline constexpr bool never = false;

/// Leads `trace` to a sink: something with slot(reference&).
template <class Sink>
class visitor {
public:
    explicit visitor(Sink& sink) noexcept : sink_(&sink) {}
    template <class... T>
    void operator()(const T&... parts) {
        (part(const_cast<T&>(parts)), ...);  // the references of a const object are updated when their targets move
    }

private:
    template <class T>
    void part(T& x) {
        if constexpr (is_reference<T>) sink_->slot(x);
        else if constexpr (has_members<T>) std::apply([&](auto... m) { (part(x.*m), ...); }, T::gc_members);
        else if constexpr (has_trace<T>) x.trace(*this);
        else if constexpr (std::is_array_v<T>) for (auto& e : x) part(e);
        else if constexpr (leaf<T>) return;
        else if constexpr (is_pair<T>) part(const_cast<std::remove_cv_t<decltype(x.first)>&>(x.first)), part(x.second);
        else if constexpr (is_range<T>) for (auto& e : x) part(const_cast<std::remove_cvref_t<decltype(e)>&>(e));
        else if constexpr (is_optional<T>) { if (x) part(*x); }
        else static_assert(never<T>, "say where the references of this type are: gc_members, trace, or gc::leaf");
    }
    Sink* sink_;
};

/// For all that is done seldom: a function for each reference.
class slot_visitor {
public:
    virtual void slot(reference& r) noexcept = 0;

protected:
    ~slot_visitor() = default;
};

template <class T>
inline constexpr bool small = sizeof(T) <= largest_small && alignof(T) <= granule;

template <class T, class Sink>
void trace_object(void* object, Sink& sink) {
    visitor<Sink> visit{sink};
    visit(*static_cast<const T*>(object));
}

/// What marking does with an object: its further bits, whose number is a constant of the type, and its references.
template <class T, class M>
void mark_object(void* object, M& m) {
    if constexpr (small<T>) m.mark_rest(object, granules_for(sizeof(T)));
    trace_object<T>(object, m);
}

/// The name as the compiler spells it, within the text around it.
template <class T>
constexpr const char* type_text() noexcept { return __PRETTY_FUNCTION__; }

}  // namespace detail

/// Everything about a type, for a collector that does not know it.
struct descriptor {
    const char* text;  ///< contains the name
    void (*mark)(void*, detail::marker&);         ///< sets the bits behind the first, and marks what is referred to; null: no references
    void (*each_slot)(void*, detail::slot_visitor&);  ///< null: no references
    void (*update)(void*, detail::sliding&);   ///< null: no references
    void (*destroy)(void*) noexcept;              ///< null: nothing to do
    void (*relocate)(void* to, void* from) noexcept;  ///< null: the bytes are copied
    std::size_t size;    ///< of the object; of an array, what stands before its elements
    std::size_t granules;  ///< of every object of the type; 0: large, or the header says it
    bool movable;      ///< or it stays where it was made
    void (*mark_shared)(void*, detail::shared_marker&) = nullptr;  ///< as mark, where several threads do
};

namespace detail {

template <class T>
concept has_references = has_members<T> || has_trace<T>;

/// To the new place by move construction, over a spare object where the two overlap.
template <class T>
void relocate_by_move(void* to, void* from) noexcept {
    T* const old = static_cast<T*>(from);
    if (static_cast<std::byte*>(to) + sizeof(T) <= static_cast<std::byte*>(from)) {
        ::new (to) T(std::move(*old));
        old->~T();
        return;
    }
    T spare(std::move(*old));
    old->~T();
    ::new (to) T(std::move(spare));
}

template <class T>
constexpr descriptor describe() noexcept {
    static_assert(has_references<T> || leaf<T>, "say where the references of this type are: gc_members, trace, or gc::leaf");
    descriptor d{type_text<T>(), nullptr, nullptr, nullptr, nullptr, nullptr, sizeof(T), small<T> ? granules_for(sizeof(T)) : 0, true};
    if constexpr (has_references<T>) {
        d.mark = &mark_object<T, marker>;
        d.mark_shared = &mark_object<T, shared_marker>;
        d.each_slot = &trace_object<T, slot_visitor>;
        d.update = &trace_object<T, sliding>;
    }
    if constexpr (!std::is_trivially_destructible_v<T>) d.destroy = [](void* p) noexcept { static_cast<T*>(p)->~T(); };
    if constexpr (!relocatable<T>) {
        if constexpr (std::is_nothrow_move_constructible_v<T>) d.relocate = &relocate_by_move<T>;
        else d.movable = false;
    }
    if constexpr (requires { T::gc_describe(d); }) T::gc_describe(d);
    return d;
}

/// One a type; the low bit of its address is the header's to use.
template <class T>
inline constexpr descriptor descriptor_of = describe<T>();

inline std::size_t header::granules() const noexcept {
    const std::size_t own = own_granules();
    return own != 0 ? own : type()->granules;
}

/// Calls visit(object, index) for every object whose bits are in `map`, in order (tile.I3).
template <class F>
inline void for_each_object(tile* t, const std::uint64_t* map, F visit) {
    for (std::size_t i = find(map, first_index); i < indices;) {
        std::byte* const object = object_at(t, i);
        const std::size_t n = header_of(object).granules();
        visit(object, i);
        i = find(map, i + n);
    }
}

/// What lies where no object is: room whose constructor threw, or whose object was destroyed.
inline constexpr descriptor filler{"filler", nullptr, nullptr, nullptr, nullptr, nullptr, 0, 0, true};

}  // namespace detail
}  // namespace ashlar::gc
