// ashlar/testing/explored_memory.hpp - what threads may read and write in the C++ memory model: the memory of the explorer.
//
// Layer:      testing
// Source:     ISO C++20 [intro.races], [atomics.order]; Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency
//             in C/C++11", PLDI 2017 (the axioms); Kang, Hur, Lahav, Vafeiadis, Dreyer, "A promising semantics for
//             relaxed-memory concurrency", POPL 2017 (views); Flanagan, Freund, "FastTrack", PLDI 2009 (races).
// Picture:    a word:    s0 -> s3 -> s1 -> s2       every store to it, in the order in which all threads agree to see them
//             a thread:  floor ^    may read         none before its floor; a read or an acquire moves it on
// Complexity: a step copies a few clocks; a seq_cst step looks at those before it.
// Failure:    more than most_places words: `full`.
// Threads:    one; the threads it speaks of are the explorer's.
// Invariants: explored_memory.I1  a read-modify-write stands right behind the store that it read
//             explored_memory.I2  no thread reads or writes before its floor
// Checked by: tests/testing/explored_memory_test.cpp, tests/testing/explore_test.cpp
//
// A store need not come last: it may take any place behind its thread's floor. Which reads and places a step may have is
// told as a list, and the explorer tries each.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "ashlar/foundation/contract.hpp"

namespace ashlar::testing {

inline constexpr unsigned most_threads = 6;
inline constexpr unsigned most_places = 40;  ///< atomic words that one execution may use

/// How far each thread has come, as far as somebody knows.
struct moments {
    std::array<std::uint32_t, most_threads> at{};
    void join(const moments& o) noexcept {
        for (unsigned t = 0; t < most_threads; ++t) at[t] = o.at[t] > at[t] ? o.at[t] : at[t];
    }
    bool knows(unsigned thread, std::uint32_t time) const noexcept { return at[thread] >= time; }
};

class explored_memory {
public:
    using store_number = std::uint16_t;
    static constexpr store_number nothing = 0xffff;
    using choices = std::vector<store_number>;
    /// What comes with a store to who acquires it: what has happened, and a floor for each word.
    struct knowledge {
        moments happened;
        std::array<store_number, most_places> floor;
        void clear() noexcept {
            happened = {};
            floor.fill(nothing);
        }
    };
    struct store {
        std::uint64_t value;
        unsigned place, position, thread;
        std::uint32_t time;
        bool followed;  ///< by a read-modify-write that read it (explored_memory.I1)
        moments caused;
        knowledge released;
    };
    struct place {
        const void* address;
        unsigned born_by;
        std::uint32_t born_at;
        std::vector<store_number> order;
    };

    void begin() noexcept {
        used_places_ = used_stores_ = 0;
        strict_.clear();
        strict_fence_.clear();
        for (mind& m : minds_) {
            m.known.clear();
            m.fenced.clear();
            m.unfenced.clear();
            m.caused = {};
            m.beyond = 0;
        }
    }
    bool full() const noexcept { return used_places_ == most_places || used_stores_ >= nothing - 1; }

    /// A word is used for the first time, or begins anew. @pre !full() @returns its number
    unsigned add_place(const void* address, std::uint64_t value, unsigned thread, std::uint32_t time) {
        if (places_.size() == used_places_) places_.emplace_back();
        place& p = places_[used_places_];
        p.address = address;
        p.born_by = thread;
        p.born_at = time;
        p.order.clear();
        const store_number s = add_store(value, used_places_, thread, time);
        stores_[s].caused = {};
        stores_[s].released.clear();
        stores_[s].position = 0;
        p.order.push_back(s);
        return used_places_++;
    }

    /// Each thread's steps: its time goes on before and after, so that what it does between two is after the first.
    void tick(unsigned t) noexcept { minds_[t].caused.at[t] = ++minds_[t].known.happened.at[t]; }
    std::uint32_t time_of(unsigned t) const noexcept { return minds_[t].known.happened.at[t]; }
    bool happened(unsigned t, unsigned by, std::uint32_t at) const noexcept { return minds_[t].known.happened.knows(by, at); }
    const moments& cause_of(unsigned t) const noexcept { return minds_[t].caused; }
    bool caused(unsigned t, unsigned by, std::uint32_t at) const noexcept { return minds_[t].caused.knows(by, at); }

    const store& at(store_number s) const noexcept { return stores_[s]; }
    const place& place_at(unsigned p) const noexcept { return places_[p]; }
    store_number latest(unsigned p) const noexcept { return places_[p].order.back(); }
    /// The youngest store to it, wherever in the order it stands.
    store_number youngest(unsigned p) const noexcept {
        return *std::max_element(places_[p].order.begin(), places_[p].order.end());
    }
    store_number stores() const noexcept { return static_cast<store_number>(used_stores_); }
    store_number floor(unsigned t, unsigned p) const noexcept {
        const store_number s = minds_[t].known.floor[p];
        return s == nothing ? places_[p].order.front() : s;
    }
    /// The thread has waited for something else than its floor: it will not read that once more.
    void pass(unsigned t, unsigned p) noexcept { minds_[t].beyond |= std::uint64_t{1} << p; }

    /// What t may read of p, the latest first; with may_follow only what no read-modify-write has read.
    void readable(unsigned t, unsigned p, bool strict, bool may_follow, choices& out) const {
        out.clear();
        const auto& order = places_[p].order;
        const unsigned low = stores_[floor(t, p)].position + (minds_[t].beyond >> p & 1);
        for (unsigned i = static_cast<unsigned>(order.size()); i-- > low;) {
            if (may_follow && stores_[order[i]].followed) continue;
            if (!strict || strictly_possible(t, p, 2 * i + (may_follow ? 1 : 0), may_follow)) out.push_back(order[i]);
        }
    }
    /// Behind which stores t may write to p: the latest first.
    void writable(unsigned t, unsigned p, bool strict, choices& out) const {
        out.clear();
        const auto& order = places_[p].order;
        for (unsigned i = static_cast<unsigned>(order.size()), low = stores_[floor(t, p)].position; i-- > low;) {
            if (stores_[order[i]].followed) continue;
            if (!strict || strictly_possible(t, p, 2 * i + 1, true)) out.push_back(order[i]);
        }
    }

    void read(unsigned t, store_number s, bool acquire) noexcept {
        mind& m = minds_[t];
        const store& from = stores_[s];
        raise(m, from.place, s);
        m.caused.join(from.caused);
        if (acquire) {
            learn(m, from.released);
        } else {
            join(m.unfenced, from.released);
        }
    }
    /// @returns the new store, behind `behind`; `reads` if it is a read-modify-write that read that
    store_number write(unsigned t, unsigned p, std::uint64_t value, store_number behind, bool reads, bool release) {
        mind& m = minds_[t];
        const store_number n = add_store(value, p, t, time_of(t));
        auto& order = places_[p].order;
        const unsigned position = stores_[behind].position + 1;
        order.insert(order.begin() + position, n);
        for (std::size_t i = position; i < order.size(); ++i) stores_[order[i]].position = static_cast<unsigned>(i);
        raise(m, p, n);
        store& s = stores_[n];
        s.caused = m.caused;
        s.released = release ? m.known : m.fenced;
        if (reads) {  // it carries on the release sequence
            stores_[behind].followed = true;
            join(s.released, stores_[behind].released);
        }
        return n;
    }
    /// A seq_cst step has been made: it read or wrote s. `before` is what had happened to t before it.
    void note_strict(unsigned t, std::uint32_t time, store_number s, bool writes, const moments& before) {
        strict_.push_back({t, time, stores_[s].place, s, writes, before});
    }
    moments happened_to(unsigned t) const noexcept { return minds_[t].known.happened; }

    void fence(unsigned t, bool acquire, bool release, bool strict) noexcept {
        mind& m = minds_[t];
        if (acquire) learn(m, m.unfenced);
        if (strict) {
            raise_all(m, strict_fence_);
            strict_fence_.floor = m.known.floor;
        }
        if (release) m.fenced = m.known;
    }
    /// A step whose order among its like matters, by a word that stands for them all. @returns its number
    store_number note_order(unsigned t, unsigned p) {
        minds_[t].caused.join(stores_[latest(p)].caused);
        const store_number n = add_store(0, p, t, time_of(t));
        store& s = stores_[n];
        s.position = static_cast<unsigned>(places_[p].order.size());
        s.caused = minds_[t].caused;
        s.released.clear();
        places_[p].order.push_back(n);
        return n;
    }
    /// A seq_cst fence at this moment in every thread, as membarrier(2) makes.
    void fence_everywhere(unsigned threads) noexcept {
        for (unsigned again = 0; again < 2; ++again) {
            for (unsigned t = 0; t < threads; ++t) fence(t, true, true, true);
        }
    }

private:
    struct mind {
        knowledge known;
        knowledge fenced;    ///< what had happened before the last release fence
        knowledge unfenced;  ///< what was read since, by relaxed loads: an acquire fence makes it known
        moments caused;      ///< as happened, through relaxed reads too
        std::uint64_t beyond;  ///< by word: its floor itself is over
    };
    struct strict_step {
        unsigned thread;
        std::uint32_t time;
        unsigned place;
        store_number end;
        bool writes;
        moments before;
    };

    store_number add_store(std::uint64_t value, unsigned p, unsigned t, std::uint32_t time) {
        if (stores_.size() == used_stores_) stores_.emplace_back();
        store& s = stores_[used_stores_];
        s.value = value;
        s.place = p;
        s.thread = t;
        s.time = time;
        s.followed = false;
        return static_cast<store_number>(used_stores_++);
    }
    bool is_later(store_number a, store_number than) const noexcept {
        if (a == nothing) return false;
        return than == nothing || stores_[a].position > stores_[than].position;
    }
    void raise(mind& m, unsigned p, store_number s) noexcept {
        if (!is_later(s, m.known.floor[p])) return;
        m.known.floor[p] = s;
        m.beyond &= ~(std::uint64_t{1} << p);
    }
    void raise_all(mind& m, const knowledge& k) noexcept {
        for (unsigned p = 0; p < used_places_; ++p) raise(m, p, k.floor[p]);
    }
    void learn(mind& m, const knowledge& k) noexcept {
        m.known.happened.join(k.happened);
        raise_all(m, k);
    }
    void join(knowledge& to, const knowledge& k) noexcept {
        to.happened.join(k.happened);
        for (unsigned p = 0; p < used_places_; ++p) to.floor[p] = is_later(k.floor[p], to.floor[p]) ? k.floor[p] : to.floor[p];
    }

    // One order of all seq_cst steps must agree with what each of them sees: no cycle of "comes before", which is either
    // coherence on one word, or strongly-happens-before. Keys: twice the position of a store, and one more for what is about
    // to be written behind it.
    unsigned key_of(const strict_step& e) const noexcept { return 2 * stores_[e.end].position; }
    static bool comes_before(unsigned key, bool writes, unsigned other, bool other_writes) noexcept {
        return key < other || (key == other && writes && !other_writes);
    }
    bool comes_before(const strict_step& a, const strict_step& b) const noexcept {
        if (a.place == b.place && comes_before(key_of(a), a.writes, key_of(b), b.writes)) return true;
        return a.thread == b.thread ? a.time < b.time : b.before.knows(a.thread, a.time + 1);
    }
    bool strictly_possible(unsigned t, unsigned p, unsigned key, bool writes) const {
        std::vector<const strict_step*> after;  // the new step, transitively
        for (const strict_step& e : strict_) {
            if (e.place == p && comes_before(key, writes, key_of(e), e.writes)) after.push_back(&e);
        }
        for (std::size_t i = 0; i < after.size(); ++i) {
            const strict_step& a = *after[i];
            if (a.thread == t || happened(t, a.thread, a.time + 1)) return false;
            if (a.place == p && comes_before(key_of(a), a.writes, key, writes)) return false;
            for (const strict_step& e : strict_) {
                bool is_new = comes_before(a, e);
                for (const strict_step* known : after) is_new = is_new && known != &e;
                if (is_new) after.push_back(&e);
            }
        }
        return true;
    }

    std::array<mind, most_threads> minds_;
    std::vector<place> places_;
    std::vector<store> stores_;
    std::vector<strict_step> strict_;
    knowledge strict_fence_;
    unsigned used_stores_ = 0;
    unsigned used_places_ = 0;
};

}  // namespace ashlar::testing
