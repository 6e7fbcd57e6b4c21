// Litmus tests with their outcomes as the standard has them, seeded bugs, and what an exploration says of them.
#include "ashlar/testing/explore.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace ashlar;
using namespace ashlar::testing;
using A = explored_atomics;

namespace {

constexpr auto relaxed = memory_order_relaxed, acquire = memory_order_acquire, release = memory_order_release,
               acq_rel = memory_order_acq_rel, seq_cst = memory_order_seq_cst;
using results = std::set<std::string>;

/// A litmus test: two words, up to four threads, and what they saw.
template <unsigned Threads>
struct litmus {
    static constexpr unsigned threads = Threads;
    A::atomic<int> x{0}, y{0};
    int seen[4]{-1, -1, -1, -1};
    static inline results all;
    void finish() {
        std::string text;
        for (const int v : seen) {
            if (v >= 0) text += std::to_string(v);
        }
        all.insert(text);
    }
};
/// Its outcomes, by the search that leaves out what comes to the same, and by the one that does not.
template <class S>
results outcomes() {
    S::all.clear();
    const exploration reduced = explore<S>();
    CHECK(reduced.ok());
    const results by_reduced = S::all;
    S::all.clear();
    explore_options every;
    every.every_order = true;
    const exploration complete = explore<S>(every);
    CHECK(complete.ok());
    CHECK(reduced.executions <= complete.executions);
    CHECK(by_reduced == S::all);
    return by_reduced;
}

template <memory_order W, memory_order R>
struct message_passing : litmus<2> {
    void run(unsigned t) {
        if (t == 0) {
            x.store(1, relaxed);
            y.store(1, W);
        } else {
            seen[0] = y.load(R);
            seen[1] = x.load(relaxed);
        }
    }
};
template <memory_order W, memory_order R>
struct store_buffering : litmus<2> {
    void run(unsigned t) {
        (t == 0 ? x : y).store(1, W);
        seen[t] = (t == 0 ? y : x).load(R);
    }
};
template <memory_order O>
struct store_buffering_fenced : litmus<2> {
    void run(unsigned t) {
        (t == 0 ? x : y).store(1, relaxed);
        A::fence(O);
        seen[t] = (t == 0 ? y : x).load(relaxed);
    }
};
template <memory_order W, memory_order R>
struct independent_reads : litmus<4> {
    void run(unsigned t) {
        if (t < 2) return (t == 0 ? x : y).store(1, W);
        seen[2 * t - 4] = (t == 2 ? x : y).load(R);
        seen[2 * t - 3] = (t == 2 ? y : x).load(R);
    }
};
struct coherent_reads : litmus<3> {
    void run(unsigned t) {
        if (t == 0) return x.store(1, relaxed);
        if (t == 1) return x.store(2, relaxed);
        for (int& s : seen) s = x.load(relaxed);
    }
};
template <memory_order W>
struct crossed_writes : litmus<2> {
    void run(unsigned t) {
        (t == 0 ? x : y).store(1, W);
        (t == 0 ? y : x).store(2, W);
    }
    void finish() {
        seen[0] = x.load();
        seen[1] = y.load();
        litmus::finish();
    }
};
/// y is stored with release by 0, changed by 1 without order, and acquired by 2.
template <bool AsModification>
struct release_sequence : litmus<3> {
    void run(unsigned t) {
        if (t == 0) {
            x.store(1, relaxed);
            return y.store(1, release);
        }
        if (t == 2) {
            seen[0] = y.load(acquire);
            seen[1] = x.load(relaxed);
        } else if (AsModification) {
            y.fetch_add(2, relaxed);
        } else if (y.load(relaxed) == 1) {
            y.store(3, relaxed);
        }
    }
};
/// seq_cst steps have one order, but what is stored after them, relaxed, may be seen before them.
struct strict_then_relaxed : litmus<2> {
    void run(unsigned t) {
        if (t == 0) {
            x.store(1, seq_cst);
            y.store(1, relaxed);
        } else {
            seen[0] = y.load(relaxed);
            seen[1] = x.load(seq_cst);
        }
    }
};

template <memory_order Lock, memory_order Unlock>
struct spin_lock {
    static constexpr unsigned threads = 2;
    A::atomic<bool> taken{false};
    A::plain<int> n{0};
    void run(unsigned) {
        while (taken.exchange(true, Lock)) {
            while (taken.load(relaxed)) A::pause();
        }
        n = n + 1;
        taken.store(false, Unlock);
    }
    void finish() { expect(n == 2, "both counted"); }
};
struct lost_update {
    static constexpr unsigned threads = 2;
    A::atomic<int> n{0};
    void run(unsigned) { n.store(n.load() + 1); }
    void finish() { expect(n.load() == 2, "both counted"); }
};
struct wait_for_each_other {
    static constexpr unsigned threads = 2;
    A::atomic<int> a{0}, b{0};
    void run(unsigned t) {
        while ((t == 0 ? a : b).load(acquire) == 0) A::pause();
        (t == 0 ? b : a).store(1, release);
    }
};
struct endless {
    static constexpr unsigned threads = 1;
    A::atomic<int> a{0};
    void run(unsigned) {
        while (a.load(relaxed) == 0) {}
    }
};
/// Treiber's stack that gives a node back while another thread stands between its load and its exchange.
struct reused_node {
    static constexpr unsigned threads = 2;
    struct node {
        A::atomic<node*> below{nullptr};
        A::atomic<int> holders{0};
    };
    node nodes[2];
    A::atomic<node*> top{&nodes[0]};
    reused_node() { nodes[0].below.store(&nodes[1]); }
    node* pop() {
        node* seen = top.load(acquire);
        while (seen != nullptr && !top.compare_exchange_weak(seen, seen->below.load(relaxed), acq_rel, acquire)) {}
        return seen;
    }
    void push(node* n) {
        node* seen = top.load(relaxed);
        do n->below.store(seen, relaxed);
        while (!top.compare_exchange_weak(seen, n, release, relaxed));
    }
    void run(unsigned t) {
        node* const first = pop();
        if (t == 0) {
            node* const second = pop();
            if (first != nullptr) push(first);
            if (second != nullptr) expect(second->holders.fetch_add(1) == 0, "held by one");
        } else if (first != nullptr) {
            node* const second = pop();
            if (second != nullptr) expect(second->holders.fetch_add(1) == 0, "held by one");
        }
    }
};

}  // namespace

TEST_CASE("explore: messages arrive where they are released and acquired, and may not otherwise", "[testing][explore]") {
    CHECK(outcomes<message_passing<release, acquire>>() == results{"00", "01", "11"});
    CHECK(outcomes<message_passing<relaxed, acquire>>() == results{"00", "01", "10", "11"});
    CHECK(outcomes<message_passing<release, relaxed>>() == results{"00", "01", "10", "11"});
}

TEST_CASE("explore: stores wait in buffers unless both sides are seq_cst, or fenced so", "[testing][explore]") {
    CHECK(outcomes<store_buffering<release, acquire>>() == results{"00", "01", "10", "11"});
    CHECK(outcomes<store_buffering<seq_cst, acquire>>() == results{"00", "01", "10", "11"});
    CHECK(outcomes<store_buffering<seq_cst, seq_cst>>() == results{"01", "10", "11"});
    CHECK(outcomes<store_buffering_fenced<seq_cst>>() == results{"01", "10", "11"});
    CHECK(outcomes<store_buffering_fenced<acq_rel>>() == results{"00", "01", "10", "11"});
}

TEST_CASE("explore: two readers agree on the order of independent writes only if all is seq_cst", "[testing][explore]") {
    CHECK(outcomes<independent_reads<release, acquire>>().size() == 16);
    const results strict = outcomes<independent_reads<seq_cst, seq_cst>>();
    CHECK(strict.size() == 15);
    CHECK(strict.count("1010") == 0);
}

TEST_CASE("explore: one word's stores have one order for all that read it", "[testing][explore]") {
    for (const std::string& seen : outcomes<coherent_reads>()) {
        INFO(seen);
        CHECK(seen.find("121") == std::string::npos);
        CHECK(seen.find("212") == std::string::npos);
        CHECK(seen.find("10") == std::string::npos);
    }
    CHECK(outcomes<crossed_writes<relaxed>>() == results{"11", "12", "21", "22"});
    CHECK(outcomes<crossed_writes<seq_cst>>() == results{"12", "21", "22"});
}

TEST_CASE("explore: a read-modify-write carries on a release sequence, another store ends it", "[testing][explore]") {
    CHECK(outcomes<release_sequence<true>>().count("30") == 0);
    CHECK(outcomes<release_sequence<false>>().count("30") == 1);
}

TEST_CASE("explore: a relaxed store may be seen before the seq_cst store in front of it", "[testing][explore]") {
    CHECK(outcomes<strict_then_relaxed>() == results{"00", "01", "11", "10"});
}

TEST_CASE("explore: a lock with its orders is proved, and with one order less a race is found", "[testing][explore]") {
    CHECK(explore<spin_lock<acquire, release>>().ok());
    const exploration no_acquire = explore<spin_lock<relaxed, release>>();
    CHECK(no_acquire.failure.find("data race") == 0);
    CHECK(no_acquire.found_after <= 10);
    CHECK(explore<spin_lock<acquire, relaxed>>().failure.find("data race") == 0);
}

TEST_CASE("explore: a lost update comes with the shortest schedule, and its name runs it again", "[testing][explore]") {
    const exploration seen = explore<lost_update>();
    INFO(seen.text());
    CHECK(seen.found_after <= 5);
    REQUIRE(seen.schedule.size() == 4);
    CHECK(seen.text().find("load [0] sees 0 (seq_cst)  at explore_test.cpp:") != std::string::npos);
    explore_options again;
    again.replay = seen.name;
    const exploration replayed = explore<lost_update>(again);
    CHECK(replayed.failure == seen.failure);
    CHECK(replayed.executions == 1);
    CHECK(replayed.schedule.size() == 4);
}

TEST_CASE("explore: the same bug is found in one memory that all see alike, and with one interruption", "[testing][explore]") {
    explore_options options;
    options.sequential = true;
    CHECK_FALSE(explore<lost_update>(options).ok());
    options.preemptions = 0;
    CHECK(explore<lost_update>(options).ok());
    options.preemptions = 1;
    CHECK_FALSE(explore<lost_update>(options).ok());
}

TEST_CASE("explore: threads that wait for each other, and loops without end, are told", "[testing][explore]") {
    CHECK(explore<wait_for_each_other>().failure == "every thread waits for another one");
    CHECK(explore<endless>().failure.find("no end") == 0);
}

TEST_CASE("explore: a node that comes back between a load and an exchange is caught", "[testing][explore]") {
    const exploration seen = explore<reused_node>();
    INFO(seen.text());
    CHECK(seen.failure.find("held by one") != std::string::npos);
}

TEST_CASE("explore: a weakened order is tried where it stands, without another compilation", "[testing][explore]") {
    const exploration sound = explore<message_passing<release, acquire>>();
    CHECK(sound.sites.size() == 4);
    unsigned failing = 0;
    for (const explored_site& site : explore<spin_lock<acquire, release>>().sites) {
        const weakening w{site, false, relaxed};
        explore_options options;
        options.weaken = &w;
        options.shorten = false;
        failing += explore<spin_lock<acquire, release>>(options).failure.empty() ? 0u : 1u;
    }
    CHECK(failing == 2);  // of the exchange, the load and the store
}
