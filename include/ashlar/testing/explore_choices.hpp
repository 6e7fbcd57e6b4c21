// ashlar/testing/explore_choices.hpp - which way an execution takes at each fork, and which way the next one takes.
//
// Layer:      testing
// Source:     Godefroid, "Partial-order methods for the verification of concurrent systems", LNCS 1032, 1996 (search without
//             states, sleep sets); Flanagan, Godefroid, "Dynamic partial-order reduction", POPL 2005 (`want`).
// Picture:    root - thread 0 - second value - thread 1 - ...      the path of this execution; the last fork that has
//                                                                  a way left is where the next one parts from it
// Complexity: a fork costs constant time; the memory is that of one path.
// Failure:    an execution that meets other forks than the one before it, on the same path: `strayed`.
// Threads:    one.
// Checked by: tests/testing/explore_choices_test.cpp
#pragma once

#include <cstdint>
#include <vector>

namespace ashlar::testing {

class explore_choices {
public:
    using threads = std::uint32_t;  ///< a bit each
    struct fork {
        bool of_threads;
        std::uint8_t chosen, ways;
        threads able;     ///< not at their end, and not waiting
        threads enabled;  ///< of those, the ones that have something new to do here
        threads wanted, done;
    };
    static constexpr threads bit(unsigned thread) noexcept { return threads{1} << thread; }

    void begin() noexcept { depth_ = 0; }
    /// One of so many values: the first at first.
    unsigned value(unsigned ways) {
        if (ways == 1) return 0;
        if (depth_ == path_.size()) path_.push_back({false, given(ways), static_cast<std::uint8_t>(ways), 0, 0, 0, 0});
        const fork& f = path_[depth_++];
        strayed_ = strayed_ || f.of_threads || f.ways != ways;
        return f.chosen < ways ? f.chosen : 0;
    }
    /// One of the enabled threads: `first` at first. With `all` every one of them is tried, without it those that want() names.
    const fork& thread(threads able, threads enabled, unsigned first, bool all) {
        if (depth_ == path_.size()) {
            std::uint8_t chosen = given(32);
            if (wanted_path_.size() <= depth_ || (enabled & bit(chosen)) == 0) chosen = static_cast<std::uint8_t>(first);
            path_.push_back({true, chosen, 0, able, enabled, all ? enabled : bit(chosen), 0});
        }
        const fork& f = path_[depth_++];
        strayed_ = strayed_ || !f.of_threads || f.enabled != enabled;
        return f;
    }
    /// The thread's step might have come before the one that was made at that fork.
    void want(std::size_t at, unsigned thread) noexcept {
        fork& f = path_[at];
        f.wanted |= (f.able & bit(thread)) != 0 ? bit(thread) : f.enabled;
    }
    /// The number of the next fork.
    std::size_t depth() const noexcept { return depth_; }
    bool strayed() const noexcept { return strayed_; }

    /// The next path. @returns whether there is one
    bool next() noexcept {
        path_.resize(depth_ < path_.size() ? depth_ : path_.size());
        for (; !path_.empty(); path_.pop_back()) {
            fork& f = path_.back();
            if (!f.of_threads) {
                if (++f.chosen < f.ways) return true;
                continue;
            }
            f.done |= bit(f.chosen);
            if (const threads left = f.wanted & f.enabled & ~f.done; left != 0) {
                f.chosen = static_cast<std::uint8_t>(__builtin_ctz(left));
                return true;
            }
        }
        return false;
    }
    std::vector<std::uint8_t> path() const {
        std::vector<std::uint8_t> all;
        for (std::size_t i = 0; i < depth_; ++i) all.push_back(path_[i].chosen);
        return all;
    }
    /// The next execution takes this path, and the first way after its end.
    void follow(std::vector<std::uint8_t> path) {
        path_.clear();
        wanted_path_ = std::move(path);
    }

private:
    std::uint8_t given(unsigned ways) const noexcept {
        return depth_ < wanted_path_.size() && wanted_path_[depth_] < ways ? wanted_path_[depth_] : std::uint8_t{0};
    }
    std::vector<fork> path_;
    std::vector<std::uint8_t> wanted_path_;
    std::size_t depth_ = 0;
    bool strayed_ = false;
};

}  // namespace ashlar::testing
