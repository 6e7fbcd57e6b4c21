// ashlar/ownership/inplace_string.hpp - a string of at most N bytes, inside the object.
//
// Layer:      ownership
// Source:     Rust's heapless::String; WG21 P0843 (inplace_vector: the names).
// Picture:    [ size | bytes ... 0 . . . ]     capacity N, and one byte for the terminating zero
// Complexity: as std::string without its allocations; an object of it copies as sizeof bytes.
// Failure:    what does not fit is refused (try_...) and then nothing has changed, or is cut on purpose (..._truncated).
// Threads:    a plain value.
// Invariants: inplace_string.I1  size <= N and bytes[size] == 0
// Checked by: tests/ownership/inplace_string_test.cpp
//
// Bytes are kept as they come: a text that is not UTF-8 is never hidden, replaced or refused.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "ashlar/foundation/result.hpp"
#include "ashlar/ownership/utf8.hpp"

namespace ashlar {

template <std::size_t N>
class inplace_string;

/// A size above N means refusal.
template <std::size_t N>
struct niche<inplace_string<N>> {
    static constexpr inplace_string<N> refused() noexcept { return inplace_string<N>(inplace_string<N>::above); }
    static constexpr bool is_refused(const inplace_string<N>& s) noexcept { return s.size() > N; }
};

template <std::size_t N>
class inplace_string {
    using size_word = std::conditional_t<N<0xff, std::uint8_t, std::conditional_t<N<0xffff, std::uint16_t, std::uint32_t>>;
    static_assert(N < 0xffff'ffff);

public:
    constexpr inplace_string() noexcept { end_at(0); }
    /// Of a literal, whose length is looked at when it is compiled.
    template <std::size_t M>
        requires(M - 1 <= N)
    constexpr inplace_string(const char (&literal)[M]) noexcept : inplace_string() {
        unchecked_append({literal, M - 1});
    }
    /// @returns refused if the text is longer than N bytes
    static constexpr result<inplace_string> make(std::string_view text) noexcept {
        inplace_string s;
        if (!s.try_append(text)) return alloc_error{};
        return s;
    }

    /// All of the text or none of it. The text may be a part of this string.
    constexpr result<inplace_string&> try_append(std::string_view text) noexcept {
        if (text.size() > room()) return alloc_error{};
        return unchecked_append(text);
    }
    constexpr result<inplace_string&> try_push_back(char c) noexcept { return try_append({&c, 1}); }
    constexpr result<inplace_string&> try_assign(std::string_view text) noexcept {
        if (text.size() > N) return alloc_error{};
        copy_down(bytes_, text);  // a part of itself moves to the front
        return end_at(text.size());
    }
    /// @pre at <= size(); the text is no part of this string
    constexpr result<inplace_string&> try_insert(std::size_t at, std::string_view text) noexcept {
        ASHLAR_PRE(at <= size_);
        if (text.size() > room()) return alloc_error{};
        for (std::size_t i = size_; i != at; --i) bytes_[i - 1 + text.size()] = bytes_[i - 1];
        copy_down(bytes_ + at, text);
        return end_at(size_ + text.size());
    }
    /// n bytes long; what is new is c.
    constexpr result<inplace_string&> try_resize(std::size_t n, char c = '\0') noexcept {
        if (n > N) return alloc_error{};
        for (std::size_t i = size_; i < n; ++i) bytes_[i] = c;
        return end_at(n);
    }
    /// @pre text.size() <= room()
    constexpr inplace_string& unchecked_append(std::string_view text) noexcept {
        ASHLAR_PRE(text.size() <= room());
        copy_down(bytes_ + size_, text);
        return end_at(size_ + text.size());
    }
    /// @pre size() < N
    constexpr inplace_string& unchecked_push_back(char c) noexcept { return unchecked_append({&c, 1}); }

    /// As much of the text as fits without cutting a character of it. @returns how many bytes that is
    constexpr std::size_t append_truncated(std::string_view text) noexcept {
        const std::size_t kept = utf8_prefix(text, room());
        unchecked_append(text.substr(0, kept));
        return kept;
    }
    constexpr std::size_t assign_truncated(std::string_view text) noexcept {
        const std::size_t kept = utf8_prefix(text, N);
        copy_down(bytes_, text.substr(0, kept));
        end_at(kept);
        return kept;
    }
    /// Shortens to at most n bytes without cutting a character.
    constexpr void truncate_utf8(std::size_t n) noexcept { end_at(utf8_prefix(view(), n)); }

    /// @pre not empty
    constexpr void pop_back() noexcept {
        ASHLAR_PRE(size_ != 0);
        end_at(size_ - std::size_t{1});
    }
    constexpr void clear() noexcept { end_at(0); }
    /// Takes out n bytes, or those that there are. @pre at <= size()
    constexpr inplace_string& erase(std::size_t at, std::size_t n = std::string_view::npos) noexcept {
        ASHLAR_PRE(at <= size_);
        if (n > size_ - at) n = size_ - at;
        copy_down(bytes_ + at, view().substr(at + n));
        return end_at(size_ - n);
    }

    /// @pre i < size()
    constexpr char& operator[](std::size_t i) noexcept {
        ASHLAR_PRE(i < size_);
        return bytes_[i];
    }
    constexpr const char& operator[](std::size_t i) const noexcept {
        ASHLAR_PRE(i < size_);
        return bytes_[i];
    }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    static constexpr std::size_t capacity() noexcept { return N; }
    constexpr std::size_t room() const noexcept { return N - size_; }
    constexpr const char* data() const noexcept { return bytes_; }
    constexpr char* data() noexcept { return bytes_; }
    constexpr const char* c_str() const noexcept { return bytes_; }
    constexpr const char* begin() const noexcept { return bytes_; }
    constexpr const char* end() const noexcept { return bytes_ + size_; }
    constexpr std::string_view view() const noexcept { return {bytes_, size_}; }
    constexpr operator std::string_view() const noexcept { return view(); }

    // Templates, so that a literal is compared as it is and not made into a string of N bytes.
    template <std::convertible_to<std::string_view> Text>
    friend constexpr bool operator==(const inplace_string& a, const Text& b) noexcept {
        return a.view() == std::string_view(b);
    }
    template <std::convertible_to<std::string_view> Text>
    friend constexpr std::strong_ordering operator<=>(const inplace_string& a, const Text& b) noexcept {
        return a.view() <=> std::string_view(b);
    }
    friend constexpr bool operator==(const inplace_string& a, const inplace_string& b) noexcept { return a.view() == b.view(); }
    friend constexpr std::strong_ordering operator<=>(const inplace_string& a, const inplace_string& b) noexcept {
        return a.view() <=> b.view();
    }

private:
    friend struct niche<inplace_string>;
    enum refusal { above };
    constexpr explicit inplace_string(refusal) noexcept : size_(static_cast<size_word>(N + 1)) { bytes_[0] = 0; }

    constexpr inplace_string& end_at(std::size_t n) noexcept {
        size_ = static_cast<size_word>(n);
        bytes_[n] = 0;  // inplace_string.I1
        return *this;
    }
    static constexpr void copy_down(char* to, std::string_view from) noexcept {
        for (std::size_t i = 0; i != from.size(); ++i) to[i] = from[i];
    }

    size_word size_ = 0;
    char bytes_[N + 1] = {};
};

}  // namespace ashlar

template <std::size_t N>
struct std::hash<ashlar::inplace_string<N>> {
    std::size_t operator()(const ashlar::inplace_string<N>& s) const noexcept {
        return std::hash<std::string_view>()(s.view());
    }
};
