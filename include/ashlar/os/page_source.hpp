// ashlar/os/page_source.hpp - the seam through which all memory is taken from the system.
//
// Layer:      os
// Complexity: system_pages adds nothing to the calls of platform.hpp.
// Failure:    as platform.hpp: a refusal is a value and changes nothing.
// Threads:    a page source may be called from any thread.
// Checked by: tests/os/page_source_test.cpp
//
// Whatever takes memory from the operating system takes a page source, so that a test can refuse any call
// (failing_pages.hpp) and see that nothing is lost.
#pragma once

#include <concepts>

#include "ashlar/os/platform.hpp"

namespace ashlar::os {

template <class P>
concept page_source = requires(P& pages, std::byte* p, std::size_t n, access a, advice w, bool move) {
    { pages.page_size() } noexcept -> std::same_as<std::size_t>;
    { pages.reserve(n, n) } noexcept -> std::same_as<result<block>>;
    { pages.reserve_up_to(n, n, n) } noexcept -> std::same_as<result<block>>;
    { pages.commit(p, n) } noexcept -> std::same_as<bool>;
    { pages.decommit(p, n) } noexcept -> std::same_as<bool>;
    { pages.purge(p, n) } noexcept -> std::same_as<bool>;
    { pages.release(p, n) } noexcept -> std::same_as<bool>;
    { pages.remap(p, n, n, move) } noexcept -> std::same_as<result<block>>;
    { pages.protect(p, n, a) } noexcept -> std::same_as<bool>;
    { pages.populate(p, n) } noexcept -> std::same_as<bool>;
    { pages.advise(p, n, w) } noexcept -> std::same_as<bool>;
};

/// The operating system itself. Stateless: every object of it is the same source.
struct system_pages {
    static std::size_t page_size() noexcept { return os::page_size(); }
    static result<block> reserve(std::size_t size, std::size_t align) noexcept { return os::reserve(size, align); }
    static result<block> reserve_up_to(std::size_t most, std::size_t least, std::size_t align) noexcept {
        return os::reserve_up_to(most, least, align);
    }
    static bool commit(std::byte* p, std::size_t size) noexcept { return os::commit(p, size); }
    static bool decommit(std::byte* p, std::size_t size) noexcept { return os::decommit(p, size); }
    static bool purge(std::byte* p, std::size_t size) noexcept { return os::purge(p, size); }
    static bool release(std::byte* p, std::size_t size) noexcept { return os::release(p, size); }
    static result<block> remap(std::byte* p, std::size_t old_size, std::size_t new_size, bool may_move) noexcept {
        return os::remap(p, old_size, new_size, may_move);
    }
    static bool protect(std::byte* p, std::size_t size, access allowed) noexcept {
        return os::protect(p, size, allowed);
    }
    static bool populate(std::byte* p, std::size_t size) noexcept { return os::populate(p, size); }
    static bool advise(std::byte* p, std::size_t size, advice wish) noexcept { return os::advise(p, size, wish); }
};

static_assert(page_source<system_pages>);

}  // namespace ashlar::os
