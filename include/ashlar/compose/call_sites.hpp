// ashlar/compose/call_sites.hpp - counters for each place of the program that asks for memory.
//
// Layer:      compose
// Picture:    { parser.cpp:40 | counters }{ "names" | counters } ... { wherever else | counters }
// Complexity: beginning a scope looks at the sites so far; a request is counted as by the counters alone. Where a counter is
//             told of releases, a look-up in a table of the live blocks more, for a block is its site's until the end.
// Failure:    refuses where the table of the live blocks cannot grow. What asks beyond the last place is counted together
//             with what asks outside of any scope.
// Threads:    one at a time.
// Invariants: call_sites.I1  where a counter is told of releases, a block's release and resize are told to the site of its grant
// Checked by: tests/compose/call_sites_test.cpp
//
// A `call_site` on the stack makes its line, or a name, the site of whatever asks in its scope:
// made with the counter, `heap.counter<call_sites<...>>()`, and perhaps a name.
#pragma once

#include <cstddef>
#include <cstring>
#include <source_location>
#include <type_traits>
#include <utility>

#include "ashlar/compose/counters.hpp"

namespace ashlar {

/// A line of the program, or a name given to a part of it. The strings are literals.
struct site_name {
    const char* text = "elsewhere";  ///< the file, or the name
    std::uint32_t line = 0;          ///< 0 for a name

    friend bool operator==(const site_name& a, const site_name& b) noexcept {
        return a.line == b.line && std::strcmp(a.text, b.text) == 0;
    }
};

/// A counter for tracked: Counters for each of up to Sites places.
template <std::size_t Sites, class... Counters>
class call_sites {
    static_assert(Sites > 0 && sizeof...(Counters) > 0);

    using counts = counter_set<Counters...>;
    static constexpr bool follows_blocks = counts::told_of_releases;
    struct nothing {};

public:
    static constexpr bool exact_sizes = counts::exact;

    /// visit(site_name, counter_set&): elsewhere first, then in the order of their first use.
    template <class Visit>
    void for_each(Visit visit) {
        for (std::size_t i = 0; i < used_; ++i) visit(names_[i], counts_[i]);
    }
    std::size_t sites() const noexcept { return used_ - 1; }  ///< without elsewhere

    /// From now on requests are that site's. @returns the site that they were; call_site does so for a scope
    std::size_t enter(site_name s) noexcept {
        std::size_t i = 1;
        while (i < used_ && !(names_[i] == s)) ++i;
        if (i == used_ && used_ <= Sites) names_[used_++] = s;
        return std::exchange(current_, i < used_ ? i : 0);
    }
    void back_to(std::size_t site) noexcept { current_ = site; }

    // ---- for tracked ------------------------------------------------------------------------------------

    bool make_room() noexcept {
        if constexpr (follows_blocks) {
            if (!blocks_.make_room()) return false;
        }
        return counts_[current_].room();
    }
    void on_grant(std::byte* p, layout l) noexcept {
        if constexpr (follows_blocks) blocks_.insert({p, l.size(), l, current_});
        counts_[current_].grant(p, l);
    }
    void on_release(std::byte* p, layout l) noexcept
        requires follows_blocks
    {
        counts_[site_of(p)].release(p, l);
        blocks_.remove(p);
    }
    void on_resize(std::byte* p, layout old, std::byte* at, layout now) noexcept {
        std::size_t site = current_;
        if constexpr (follows_blocks) {
            site = site_of(p);  // call_sites.I1
            blocks_.remove(p);
            blocks_.insert({at, now.size(), now, site});
        }
        counts_[site].resize(p, old, at, now);
    }
    void on_refusal(layout l) noexcept { counts_[current_].refusal(l); }
    void on_reset() noexcept {
        if constexpr (follows_blocks) blocks_.clear();
        for (std::size_t i = 0; i < used_; ++i) counts_[i].reset();
    }

private:
    std::size_t site_of(const std::byte* p) const noexcept { return static_cast<std::size_t>(blocks_.find(p)->note); }

    std::size_t current_ = 0;
    std::size_t used_ = 1;
    site_name names_[Sites + 1];
    counts counts_[Sites + 1];
    [[no_unique_address]] std::conditional_t<follows_blocks, block_table, nothing> blocks_;
};

/// While it lives, requests are counted for the line where it stands, or for a name.
template <class Sites>
class [[nodiscard]] call_site {
public:
    explicit call_site(Sites& sites, const std::source_location& at = std::source_location::current()) noexcept
        : sites_(sites), before_(sites.enter({at.file_name(), at.line()})) {}
    call_site(Sites& sites, const char* name) noexcept : sites_(sites), before_(sites.enter({name, 0})) {}
    call_site(const call_site&) = delete;
    call_site& operator=(const call_site&) = delete;
    ~call_site() { sites_.back_to(before_); }

private:
    Sites& sites_;
    std::size_t before_;
};

}  // namespace ashlar
