// ashlar/testing/explorer.hpp - runs a scenario again and again, each time in another order and with other stores seen.
//
// Layer:      testing
// Source:     Norris, Demsky, "CDSchecker", OOPSLA 2013; Kokologiannakis, Raad, Vafeiadis, "Model checking for weakly consistent
//             libraries", PLDI 2019 (stores need no order of their own where reads choose among them).
// Picture:    thread 0 .. store       thread 1 .. load <- which of the stores?      each step: choose a thread, let it make
//                         ^ at its next step, waiting to be chosen                   its step, run it up to the next one
// Complexity: some hundred nanoseconds a step; the number of executions grows steeply with the steps that concern one word.
// Failure:    what it finds is a value: exploration.
// Threads:    one; those of the scenario are fibers.
// Invariants: explorer.I1  every thread stands at its next step, or has ended, when one is chosen
// Checked by: tests/testing/explorer_test.cpp, tests/testing/explore_test.cpp
// Long:       one machine; what it is asked and what it remembers are files of their own.
//
// explore.hpp is what to call. A store that nobody orders is made at once: whoever reads has all stores to choose from, and
// the store has all places. So only steps that read are forks, and only where some later store could have come before.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "ashlar/foundation/contract.hpp"
#include "ashlar/testing/attempt.hpp"
#include "ashlar/testing/exploration.hpp"
#include "ashlar/testing/explore_choices.hpp"
#include "ashlar/testing/explored_memory.hpp"
#include "ashlar/testing/explored_races.hpp"
#include "ashlar/testing/fiber.hpp"

namespace ashlar::testing {

enum class step_kind : std::uint8_t { load, store, modify, compare, wait, fence, fence_everywhere };

/// What a thread is about to do, and then what came of it.
struct step_request {
    step_kind kind;
    explored_site site;
    void* address = nullptr;
    unsigned size = 0;
    std::uint64_t operand = 0, expected = 0;
    std::uint64_t (*changed)(std::uint64_t, std::uint64_t) = nullptr;
    std::uint64_t seen = 0;
    bool done = true;
};

/// A scenario without its type.
struct scenario_type {
    unsigned threads;
    std::size_t size, align;
    void (*construct)(void*);
    void (*run)(void*, unsigned thread);
    void (*finish)(void*);
    void (*destroy)(void*);
};

class explorer {
public:
    explorer(const scenario_type& s, const explore_options& o) : scenario_(s), options_(o), fibers_(s.threads) {
        storage_ = static_cast<std::byte*>(::operator new(s.size, std::align_val_t(s.align)));
    }
    ~explorer() { ::operator delete(storage_, std::align_val_t(scenario_.align)); }
    explorer(const explorer&) = delete;
    explorer& operator=(const explorer&) = delete;

    static explorer*& running() noexcept {
        static thread_local explorer* current = nullptr;
        return current;
    }
    /// @returns the explorer whose thread is running; null outside of threads: then memory is just memory
    static explorer* inside() noexcept {
        explorer* const e = running();
        return e != nullptr && e->current_ != nobody ? e : nullptr;
    }

    exploration run() {
        explorer* const outer = running();
        running() = this;
        const contract_handler before = set_contract_handler(&broken);
        exploration all;
        best_.clear();
        if (!options_.replay.empty()) follow(options_.replay);
        do {
            run_once();
            (cut_ ? all.cut : all.executions) += 1;
            all.longest = steps_ > all.longest ? steps_ : all.longest;
            if (!failure_.empty() && (best_.empty() || steps_ < best_steps_)) keep_best(all);
            if (!failure_.empty() && !seeks_shortest) break;
            if (all.executions + all.cut >= options_.most_executions || !options_.replay.empty()) break;
        } while (!(all.complete = !choices_.next()));
        all.sites = sites_;
        set_contract_handler(before);
        running() = outer;
        return all;
    }
    bool seeks_shortest = false, records = false;

    // What threads call.
    void step(step_request& r) noexcept {
        if (options_.weaken != nullptr) weaken(r);
        thread& me = threads_[current_];
        me.pending = &r;
        fibers_[current_].leave();
    }
    void read_plain(const void* address) noexcept { note_race(races_.read(memory_, current_, address)); }
    void write_plain(const void* address) noexcept { note_race(races_.write(memory_, current_, address)); }
    void construct(const void* address) noexcept {
        races_.construct(memory_, current_, address);
    }
    /// From a thread it does not return; so nothing that it is told may want a destructor.
    void fail(const char* what, const char* more = "", const char* file = nullptr, unsigned line = 0) noexcept {
        if (failure_.empty()) {
            (failure_ = what) += more;
            if (file != nullptr) ((failure_ += ", at ") += file) += ":" + std::to_string(line);
        }
        if (current_ != nobody) fibers_[current_].leave_for_good();
    }

private:
    static constexpr unsigned nobody = ~0u, never = ~0u;
    static constexpr const char* too_many = "more words or stores than the explorer can remember in one execution";
    using store_number = explored_memory::store_number;
    struct thread {
        step_request* pending = nullptr;
        bool ended = false;
        unsigned asleep = never;     ///< what it could do before so many stores there were was tried already
        std::uint64_t watched = 0;   ///< the words that it has read since it last waited
    };
    struct entry {
        explorer* self;
        unsigned thread;
    };
    struct reading {
        std::size_t fork, event;  ///< of the step that read
        bool writes;
    };
    /// A step that was made: what it is after, through what its thread read.
    struct event {
        unsigned thread;
        std::uint32_t time;
        moments caused;
    };

    bool every_order() const noexcept { return options_.every_order || options_.sequential || options_.preemptions != explore_options::unbounded; }

    static void broken(const contract_violation& v) { running()->fail("a broken contract: ", v.condition, v.file, v.line); }
    static void body(void* argument) {
        const entry& e = *static_cast<entry*>(argument);
        e.self->scenario_.run(e.self->storage_, e.thread);
        e.self->threads_[e.thread].ended = true;
        e.self->fibers_[e.thread].leave_for_good();
    }
    void note_race(const char* what) noexcept {
        if (what != nullptr) fail("data race: ", what);
    }
    void resume(unsigned t) noexcept {
        current_ = t;
        fibers_[t].enter();
        current_ = nobody;
    }

    void run_once() {
        memory_.begin();
        races_.begin();
        choices_.begin();
        failure_.clear();
        schedule_.clear();
        steps_ = interruptions_ = 0;
        last_ = nobody;
        cut_ = false;
        for (auto& r : readings_) r.clear();
        events_.clear();
        fences_ = memory_.add_place(this, 0, 0, 0);
        if (const auto v = attempt([&] { scenario_.construct(storage_); })) return broken(*v);
        for (unsigned t = 0; t < scenario_.threads; ++t) {
            threads_[t] = {};
            entries_[t] = {this, t};
            memory_.tick(t);
            fibers_[t].begin(&body, &entries_[t]);
            resume(t);
        }
        while (failure_.empty()) {
            const unsigned t = choose();
            if (t == nobody) break;
            if (++steps_ > options_.most_steps) return fail("no end: a thread repeats itself without pause()");
            perform(t, *threads_[t].pending);
            last_ = t;
            resume(t);
        }
        if (choices_.strayed()) failure_ = "the scenario does not do the same when it is repeated";
        if (!failure_.empty() || cut_) return;
        if (const auto v = attempt([&] { scenario_.finish(storage_); })) return broken(*v);
        if (const auto v = attempt([&] { scenario_.destroy(storage_); })) return broken(*v);
    }

    bool has_news(unsigned t, unsigned since) const noexcept {
        for (std::uint64_t left = threads_[t].watched; left != 0; left &= left - 1) {
            const auto p = static_cast<unsigned>(__builtin_ctzll(left));
            if (since == never ? memory_.latest(p) != memory_.floor(t, p) : memory_.youngest(p) >= since) return true;
        }
        return threads_[t].watched == 0;
    }
    /// Whether its step is only its own affair, or a store: then nothing else needs to come before it.
    bool comes_at_once(unsigned t) const noexcept {
        const step_request& r = *threads_[t].pending;
        if (r.kind == step_kind::store) return true;
        if (r.kind == step_kind::fence) return r.site.order != memory_order_seq_cst;
        return r.kind == step_kind::wait && !several(threads_[t].watched);
    }
    static bool several(std::uint64_t words) noexcept { return (words & (words - 1)) != 0; }
    bool is_fresh(unsigned t) {
        if (threads_[t].asleep == never) return true;
        const step_request& r = *threads_[t].pending;
        if (r.kind == step_kind::wait) return has_news(t, threads_[t].asleep);
        if (r.kind == step_kind::fence) return memory_.latest(fences_) >= threads_[t].asleep;
        find_readable(t, r);
        return !found_.empty();
    }
    /// @returns the thread whose step is next; nobody where all have ended, wait for ever or would repeat what was seen
    unsigned choose() {
        explore_choices::threads able = 0, enabled = 0;
        bool all_ended = true;
        for (unsigned t = 0; t < scenario_.threads; ++t) {
            if (threads_[t].ended) continue;
            all_ended = false;
            if (threads_[t].pending->kind == step_kind::wait && !has_news(t, never)) continue;
            if (!every_order() && comes_at_once(t)) return t;
            able |= explore_choices::bit(t);
            if (is_fresh(t)) enabled |= explore_choices::bit(t);
        }
        if (enabled == 0) {
            cut_ = able != 0;
            if (able == 0 && !all_ended) fail("every thread waits for another one");
            return nobody;
        }
        const bool may_go_on = last_ != nobody && (enabled & explore_choices::bit(last_)) != 0;
        if (may_go_on && every_order() && interruptions_ == options_.preemptions) enabled = explore_choices::bit(last_);
        const unsigned first = may_go_on ? last_ : static_cast<unsigned>(__builtin_ctz(enabled));
        fork_ = choices_.depth();
        const auto& fork = choices_.thread(able, enabled, first, every_order());
        if (may_go_on && fork.chosen != last_) ++interruptions_;
        for (explore_choices::threads left = every_order() ? 0 : fork.done; left != 0; left &= left - 1) {
            threads_[static_cast<unsigned>(__builtin_ctz(left))].asleep = memory_.stores();
        }
        return fork.chosen;
    }

    unsigned place_of(const step_request& r) {
        unsigned& p = races_.place(r.address);
        if (p != explored_races::unknown) return p;
        if (memory_.full()) {
            fail(too_many);
            return fences_;
        }
        std::uint64_t now = 0;
        std::memcpy(&now, r.address, r.size);
        const auto [by, at] = races_.birth(r.address);
        return p = memory_.add_place(r.address, now, by, at);
    }
    /// Into found_: the stores that the pending step of t may read.
    void find_readable(unsigned t, const step_request& r) {
        const unsigned p = place_of(r);
        const bool strict = r.site.order == memory_order_seq_cst;
        memory_.readable(t, p, strict && r.kind != step_kind::compare, r.kind == step_kind::modify, found_);
        if (r.kind == step_kind::compare && (strict || r.site.failure == memory_order_seq_cst)) {
            drop_impossible(t, p, r);
        } else if (r.kind == step_kind::compare) {
            std::erase_if(found_, [&](store_number s) { return memory_.at(s).followed && memory_.at(s).value == r.expected; });
        }
        if (options_.sequential) found_.assign(1, memory_.latest(p));
        if (threads_[t].asleep == never) return;
        std::erase_if(found_, [&](store_number s) { return s < threads_[t].asleep; });
    }
    /// A compare-exchange that reads what it expects writes behind it; otherwise it is a load.
    void drop_impossible(unsigned t, unsigned p, const step_request& r) {
        explored_memory::choices as_load, as_write;
        memory_.readable(t, p, r.site.failure == memory_order_seq_cst, false, as_load);
        memory_.readable(t, p, r.site.order == memory_order_seq_cst, true, as_write);
        std::erase_if(found_, [&](store_number s) {
            const auto& allowed = memory_.at(s).value == r.expected ? as_write : as_load;
            return std::find(allowed.begin(), allowed.end(), s) == allowed.end();
        });
    }

    void perform(unsigned t, step_request& r) {
        if (memory_.full()) return fail(too_many);
        threads_[t].pending = nullptr;
        const moments before = memory_.happened_to(t);
        memory_.tick(t);
        switch (r.kind) {
            case step_kind::wait: wait(t); break;
            case step_kind::fence:
                if (r.site.order == memory_order_seq_cst) order_fence(t);
                memory_.fence(t, acquires(r.site.order), releases(r.site.order), r.site.order == memory_order_seq_cst);
                break;
            case step_kind::fence_everywhere:
                if (!every_order()) return fail("a fence everywhere wants explore_options::every_order");
                memory_.fence_everywhere(scenario_.threads);
                break;
            case step_kind::store: store(t, r, before); break;
            default: read(t, r, before);
        }
        threads_[t].asleep = never;
        if (!every_order()) events_.push_back({t, memory_.time_of(t), memory_.cause_of(t)});
        memory_.tick(t);
        if (records) record(t, r);
        note_site(r.site);
    }
    void order_fence(unsigned t) {
        want_before(t, fences_);
        note_reading(fences_, true);
        memory_.note_order(t, fences_);
    }
    void wait(unsigned t) {
        unsigned news[most_places], n = 0;
        for (std::uint64_t left = threads_[t].watched; left != 0; left &= left - 1) {
            const auto p = static_cast<unsigned>(__builtin_ctzll(left));
            if (memory_.latest(p) != memory_.floor(t, p)) news[n++] = p;
            if (several(threads_[t].watched)) note_reading(p, false);
        }
        threads_[t].watched = 0;
        if (n != 0) memory_.pass(t, news[choices_.value(n)]);
    }
    void store(unsigned t, step_request& r, const moments& before) {
        const unsigned p = place_of(r);
        note_use(t, p);
        want_before(t, p);
        const bool strict = r.site.order == memory_order_seq_cst;
        memory_.writable(t, p, strict, found_);
        if (options_.sequential) found_.assign(1, memory_.latest(p));
        const store_number behind = found_[choices_.value(static_cast<unsigned>(found_.size()))];
        write(t, p, r, r.operand, behind, false, before);
    }
    void read(unsigned t, step_request& r, const moments& before) {
        const unsigned p = place_of(r);
        note_use(t, p);
        find_readable(t, r);
        const store_number s = found_[choices_.value(static_cast<unsigned>(found_.size()))];
        r.seen = memory_.at(s).value;
        const bool writes = r.kind == step_kind::modify || (r.kind == step_kind::compare && r.seen == r.expected);
        r.done = writes || r.kind == step_kind::load;
        const memory_order order = r.done ? r.site.order : r.site.failure;
        if (writes || r.kind == step_kind::compare) want_before(t, p, !writes);
        note_reading(p, writes);
        threads_[t].watched |= std::uint64_t{1} << p;
        memory_.read(t, s, acquires(order));
        if (writes) {
            write(t, p, r, r.kind == step_kind::compare ? r.operand : r.changed(r.seen, r.operand), s, true, before);
        } else if (order == memory_order_seq_cst) {
            memory_.note_strict(t, memory_.time_of(t), s, false, before);
        }
    }
    void write(unsigned t, unsigned p, step_request& r, std::uint64_t value, store_number behind, bool reads, const moments& before) {
        const store_number n = memory_.write(t, p, value, behind, reads, releases(r.site.order));
        if (r.site.order == memory_order_seq_cst) memory_.note_strict(t, memory_.time_of(t), n, true, before);
        std::memcpy(r.address, &memory_.at(memory_.latest(p)).value, r.size);
        written_ = value;
    }
    static bool acquires(memory_order o) noexcept {
        return o == memory_order_acquire || o == memory_order_acq_rel || o == memory_order_seq_cst;
    }
    static bool releases(memory_order o) noexcept {
        return o == memory_order_release || o == memory_order_acq_rel || o == memory_order_seq_cst;
    }
    void note_use(unsigned t, unsigned p) noexcept {
        const auto& place = memory_.place_at(p);
        if (!memory_.happened(t, place.born_by, place.born_at)) fail("data race: an atomic word is used before its beginning is known");
    }
    void note_reading(unsigned p, bool writes) {
        readings_[p].push_back({fork_, events_.size(), writes});
    }
    /// Whoever read the word and is not before this write in any way might have read it after: that order is wanted too. A
    /// compare-exchange that failed might have written, had another one not changed what it expected.
    void want_before(unsigned t, unsigned p, bool only_writers = false) {
        if (every_order()) return;
        for (const reading& r : readings_[p]) {
            const event& read = events_[r.event];
            if (read.thread == t || (only_writers && !r.writes) || memory_.caused(t, read.thread, read.time)) continue;
            choices_.want(r.fork, first_towards(t, r.event));
        }
    }
    /// Of the steps that lead to the one that t is making, without any that is after the step `past`: who makes the first.
    unsigned first_towards(unsigned t, std::size_t past) const noexcept {
        const event& not_after = events_[past];
        for (std::size_t i = past + 1; i < events_.size(); ++i) {
            const event& e = events_[i];
            if (!e.caused.knows(not_after.thread, not_after.time) && memory_.caused(t, e.thread, e.time)) return e.thread;
        }
        return t;
    }

    void weaken(step_request& r) const noexcept {
        const weakening& w = *options_.weaken;
        if (!r.site.same_place(w.site)) return;
        (w.of_failure ? r.site.failure : r.site.order) = w.to;
    }
    void note_site(const explored_site& s) {
        for (const explored_site& known : sites_) {
            if (known.same_place(s)) return;
        }
        sites_.push_back(s);
    }
    void keep_best(exploration& all) {
        best_ = choices_.path();
        best_steps_ = steps_;
        all.failure = failure_;
        all.found_after = all.executions + all.cut;
        all.schedule = schedule_;
        all.name = name_of(best_);
    }
    /// Of a path: how it was searched, and its ways. r: reduced, e: every order, s: sequential; 2: with two preemptions.
    std::string name_of(const std::vector<std::uint8_t>& path) const {
        std::string name = options_.sequential ? "s" : every_order() ? "e" : "r";
        if (options_.preemptions != explore_options::unbounded) name += std::to_string(options_.preemptions);
        for (const std::uint8_t way : path) name += "." + std::to_string(way);
        return name;
    }
    void follow(const std::string& name) {
        std::vector<std::uint8_t> path;
        options_.sequential = name.starts_with('s');
        options_.every_order = name.starts_with('e');
        const bool has_bound = name.size() > 1 && name[1] != '.';
        options_.preemptions = has_bound ? number_at(name, 1) : explore_options::unbounded;
        for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
            path.push_back(static_cast<std::uint8_t>(number_at(name, dot + 1)));
        }
        choices_.follow(std::move(path));
    }
    static unsigned number_at(const std::string& text, std::size_t at) noexcept {
        unsigned n = 0;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) n = n * 10 + static_cast<unsigned>(text[at] - '0');
        return n;
    }
    void record(unsigned t, const step_request& r) {
        std::string what = r.site.operation;
        if (r.address != nullptr) what += " " + name_of_word(r.address);
        if (r.kind == step_kind::store || r.kind == step_kind::modify || (r.kind == step_kind::compare && r.done)) {
            what += (r.kind == step_kind::store ? " = " : " " + number(r.seen) + " -> ") + number(written_);
        } else if (r.address != nullptr) {
            what += (r.kind == step_kind::compare ? " fails, sees " : " sees ") + number(r.seen);
        }
        if (r.kind != step_kind::wait) what += std::string(" (") + testing::name_of(r.done ? r.site.order : r.site.failure) + ")";
        schedule_.push_back({t, r.site, std::move(what)});
    }
    std::string name_of_word(const void* address) const {
        const auto at = static_cast<const std::byte*>(address) - storage_;
        const bool within = at >= 0 && static_cast<std::size_t>(at) < scenario_.size;
        return within ? "[" + std::to_string(at) + "]" : "[elsewhere " + number(reinterpret_cast<std::uintptr_t>(address)) + "]";
    }
    static std::string number(std::uint64_t n) {
        if (n < 100'000) return std::to_string(n);
        std::string text;
        for (; n != 0; n >>= 4) text.insert(text.begin(), "0123456789abcdef"[n & 15]);
        return "0x" + text;
    }

    scenario_type scenario_;
    explore_options options_;
    std::byte* storage_ = nullptr;
    std::vector<fiber> fibers_;
    std::array<thread, most_threads> threads_;
    std::array<entry, most_threads> entries_{};
    explored_memory memory_;
    explored_races races_;
    explore_choices choices_;
    std::array<std::vector<reading>, most_places> readings_;
    std::vector<event> events_;
    explored_memory::choices found_;
    std::vector<explored_site> sites_;
    std::vector<explored_step> schedule_;
    std::vector<std::uint8_t> best_;
    std::string failure_;
    std::uint64_t written_ = 0;
    std::size_t fork_ = 0;
    unsigned best_steps_ = 0, current_ = nobody, last_ = nobody, steps_ = 0, interruptions_ = 0, fences_ = 0;
    bool cut_ = false;
};

}  // namespace ashlar::testing
