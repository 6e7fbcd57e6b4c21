// ashlar/strategy/constant.hpp - run code that allocates at compile time, and keep what it made in read-only storage.
//
// Layer:      strategy
// Source:     Dionne, Smith, Vandevoorde et al., "More constexpr containers", P0784R7, 2019 (allocation in constant
//             evaluation, which must end with it); Turner, "The two-step", C++ on Sea, 2023 (measure, then keep).
// Picture:    build() -> vector{ string, string }     ends with the evaluation
//             kept:      span -> [ view | view ]      read-only, for good
//                                  v      v
//                                [ a b c | d e ]
// Complexity: nothing at run time. The compiler evaluates the builder twice for each level of nesting.
// Failure:    what cannot be built or kept does not compile.
// Threads:    what is kept never changes.
// Invariants: constant.I1  what is kept refers only to what is kept
// Checked by: tests/strategy/constant_test.cpp, tests/must_not_compile/strategy/constant_holds_memory.cpp
//
// A range becomes a std::span of constants, what converts to a std::string_view becomes one, with a null behind its end,
// a pair becomes a pair of what its members become, and anything else stays as it is: it must be default-constructible and own nothing. Memory that
// is allocated in constant evaluation ends with it, in C++20, whatever the allocator: the elements of each level are
// counted in one evaluation of the builder and copied into an array of that size in the next.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ashlar {

namespace detail::constants {

template <class C>
concept character = std::same_as<C, char> || std::same_as<C, wchar_t> || std::same_as<C, char8_t> ||
                    std::same_as<C, char16_t> || std::same_as<C, char32_t>;
template <class T>
concept text = character<typename T::value_type> &&
               std::convertible_to<const T&, std::basic_string_view<typename T::value_type>>;
template <class T>
concept range = requires(const T& t) {
    typename T::value_type;
    t.begin();
    t.end();
    t.size();
};

/// Where values of a type stand in what Build makes: each(value, f) calls f with each, in order.
struct at_top {
    static constexpr void each(const auto& made, auto f) { f(made); }
};
template <class Outer>
struct in_range {
    static constexpr void each(const auto& made, auto f) {
        Outer::each(made, [&](const auto& r) {
            for (const auto& element : r) f(element);
        });
    }
};
template <class Outer>
struct in_first {
    static constexpr void each(const auto& made, auto f) {
        Outer::each(made, [&](const auto& p) { f(p.first); });
    }
};
template <class Outer>
struct in_second {
    static constexpr void each(const auto& made, auto f) {
        Outer::each(made, [&](const auto& p) { f(p.second); });
    }
};

/// How the values of type T at Place are kept: `type` is what they become, keep(v, next) makes it of the next one.
template <auto Build, class T, class Place>
struct keeper {
    static_assert(std::is_trivially_destructible_v<T> && std::is_default_constructible_v<T>,
                  "a constant is made of ranges, strings, pairs and plain values that own nothing");
    using type = T;
    struct position {};
    static constexpr type keep(const T& value, position&) { return value; }
};

template <auto Build, class A, class B, class Place>
struct keeper<Build, std::pair<A, B>, Place> {
    using first = keeper<Build, std::remove_const_t<A>, in_first<Place>>;
    using second = keeper<Build, std::remove_const_t<B>, in_second<Place>>;
    using type = std::pair<typename first::type, typename second::type>;
    struct position {
        typename first::position a{};
        typename second::position b{};
    };
    static constexpr type keep(const std::pair<A, B>& value, position& next) {
        return {first::keep(value.first, next.a), second::keep(value.second, next.b)};
    }
};

template <auto Build, range T, class Place>
    requires(!text<T>)
struct keeper<Build, T, Place> {
    using element = keeper<Build, std::remove_cv_t<typename T::value_type>, in_range<Place>>;
    using type = std::span<const typename element::type>;
    using position = std::size_t;

    static constexpr std::size_t count = [] {
        std::size_t n = 0;
        Place::each(Build(), [&](const T& r) { n += r.size(); });
        return n;
    }();
    /// The elements of all those ranges, one after another.
    static constexpr std::array<typename element::type, count> elements = [] {
        std::array<typename element::type, count> all{};
        typename element::position next{};
        std::size_t at = 0;
        in_range<Place>::each(Build(), [&](const auto& e) { all[at++] = element::keep(e, next); });
        return all;
    }();
    static constexpr type keep(const T& value, position& next) {
        const std::size_t at = std::exchange(next, next + value.size());
        return {elements.data() + at, value.size()};
    }
};

template <auto Build, text T, class Place>
struct keeper<Build, T, Place> {
    using type = std::basic_string_view<typename T::value_type>;
    using position = std::size_t;

    static constexpr std::size_t count = [] {
        std::size_t n = 0;
        Place::each(Build(), [&](const T& s) { n += type(s).size() + 1; });
        return n;
    }();
    static constexpr std::array<typename T::value_type, count> characters = [] {
        std::array<typename T::value_type, count> all{};  // the nulls between them are there already
        std::size_t at = 0;
        Place::each(Build(), [&](const T& s) {
            for (const auto c : type(s)) all[at++] = c;
            ++at;
        });
        return all;
    }();
    static constexpr type keep(const T& value, position& next) {
        const std::size_t size = type(value).size();
        return {characters.data() + std::exchange(next, next + size + 1), size};
    }
};

}  // namespace detail::constants

/// @returns what Build() makes, kept for good (constant.I1). Build is a lambda without captures, or a constexpr function.
template <auto Build>
consteval auto constant() {
    using made = std::remove_cvref_t<decltype(Build())>;
    using kept = detail::constants::keeper<Build, made, detail::constants::at_top>;
    typename kept::position next{};
    return kept::keep(Build(), next);
}

}  // namespace ashlar
