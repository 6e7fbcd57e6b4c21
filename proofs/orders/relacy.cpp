// The second opinion: the same scenarios over Relacy's atomics, which know nothing of ours. Relacy's words are longer than what
// they stand for, so what computes the places of its words from sizes (the shared pools) cannot run on them.
//
//   relacy sound PROTOCOL     every scenario, by Relacy's search bounded in contexts: nothing may be found
//   relacy seeded             known bugs: each must be found
#include <cstdio>
#include <ostream>
#include <streambuf>
#include <string>

#include "relacy_scenarios.hpp"

#include <relacy/relacy.hpp>  // last: it takes words of the standard library for macros

namespace orders {

template <class Order>
constexpr rl::memory_order theirs(Order o) {
    switch (static_cast<int>(o)) {
        case __ATOMIC_RELAXED: return rl::mo_relaxed;
        case __ATOMIC_ACQUIRE: return rl::mo_acquire;
        case __ATOMIC_RELEASE: return rl::mo_release;
        case __ATOMIC_ACQ_REL: return rl::mo_acq_rel;
        default: return rl::mo_seq_cst;
    }
}

template <class T>
class relacy_atomic {
public:
    relacy_atomic(T v = T()) { word_(RL_INFO).store(v, rl::mo_relaxed); }
    template <class O = ashlar::memory_order>
    T load(O o = O::seq_cst) const { return word_(RL_INFO).load(theirs(o)); }
    template <class O = ashlar::memory_order>
    void store(T v, O o = O::seq_cst) { word_(RL_INFO).store(v, theirs(o)); }
    template <class O = ashlar::memory_order>
    T exchange(T v, O o = O::seq_cst) { return word_(RL_INFO).exchange(v, theirs(o)); }
    template <class O, class F>
    bool compare_exchange_weak(T& e, T v, O o, F f) { return word_(RL_INFO).compare_exchange_weak(e, v, theirs(o), theirs(f)); }
    template <class O, class F>
    bool compare_exchange_strong(T& e, T v, O o, F f) { return word_(RL_INFO).compare_exchange_strong(e, v, theirs(o), theirs(f)); }
    template <class O>
    T fetch_add(T v, O o) { return word_(RL_INFO).fetch_add(v, theirs(o)); }
    template <class O>
    T fetch_sub(T v, O o) { return word_(RL_INFO).fetch_sub(v, theirs(o)); }
    template <class O>
    T fetch_or(T v, O o) { return word_(RL_INFO).fetch_or(v, theirs(o)); }
    template <class O>
    T fetch_and(T v, O o) { return word_(RL_INFO).fetch_and(v, theirs(o)); }

private:
    rl::atomic<T> word_;
};

template <class T>
class relacy_plain {
public:
    relacy_plain(T v = T()) { word_(RL_INFO) = v; }
    relacy_plain& operator=(T v) {
        word_(RL_INFO) = v;
        return *this;
    }
    relacy_plain& operator=(const relacy_plain& o) { return *this = static_cast<T>(o); }
    operator T() const { return word_(RL_INFO).load(); }

private:
    rl::var<T> word_;
};

struct relacy {
    template <class T>
    using atomic = relacy_atomic<T>;
    template <class T>
    using plain = relacy_plain<T>;
    static void pause() { rl::yield(1, RL_INFO); }
    static void expect(bool is_so, const char*) { RL_ASSERT(is_so); }
};

}  // namespace orders

namespace {

template <class S>
struct suite : rl::test_suite<suite<S>, S::threads> {
    S scenario;
    void thread(unsigned t) { scenario.run(t); }
    void after() { scenario.finish(); }
};

/// Relacy replaces operator new and not every delete: a stream that grows while it runs breaks.
struct silence : std::streambuf {
    int overflow(int c) override { return c; }
    std::streamsize xsputn(const char*, std::streamsize n) override { return n; }
};
/// @returns whether Relacy finds something
template <class S>
bool finds(const char* name, unsigned long& iterations) {
    silence nothing;
    std::ostream silent(&nothing);
    rl::test_params p;
    p.search_type = rl::sched_bound;
    p.context_bound = 2;
    p.output_stream = p.progress_stream = &silent;
    p.collect_history = true;  // at once, instead of by a second run
    p.iteration_count = 100'000'000;
    const bool clean = rl::simulate<suite<S>>(p);
    iterations += static_cast<unsigned long>(p.stop_iteration);
    std::printf("%s: %s after %lu iterations\n", name, clean ? "nothing" : rl::test_result_str(p.test_result), static_cast<unsigned long>(p.stop_iteration));
    return !clean;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace orders;
    using R = relacy;
    const std::string verb = argc > 1 ? argv[1] : "", which = argc > 2 ? argv[2] : "";
    unsigned long iterations = 0;
    bool as_it_should = true;
    if (verb == "seeded") {
        as_it_should = finds<seeded_remote<R, ashlar::memory_order::release>>("a push that is not acquired", iterations) &&
                       finds<seeded_remote<R, ashlar::memory_order::relaxed>>("a push without order", iterations) &&
                       finds<seeded_lock<R>>("a lock without acquire", iterations);
    } else if (verb == "sound" && which == "remote_list") {
        as_it_should = !finds<remote_frees<R, 2, 1, 1, 2>>("one_span_two_pushers", iterations) &&
                       !finds<remote_frees<R, 1, 1, 2, 2>>("one_pusher_twice", iterations);
    } else if (verb == "sound" && which == "counts") {
        as_it_should = !finds<counts_strong<R, 2>>("two_handles", iterations) && !finds<counts_weak<R>>("weak", iterations) &&
                       !finds<counts_all_weak<R>>("all_weak", iterations);
    } else if (verb == "sound" && which == "tiny_lock") {
        as_it_should = !finds<lock_users<R, 2>>("two_threads", iterations) && !finds<lock_users<R, 3>>("three_threads", iterations);
    } else if (verb == "sound" && which == "idle_stack") {
        as_it_should = !finds<idle_users<R, 2, 1>>("two_threads", iterations) && !finds<idle_two_held<R>>("two_held", iterations);
    } else {
        std::fprintf(stderr, "usage: relacy sound PROTOCOL | seeded\n");
        return 2;
    }
    std::printf("result: %lu iterations\n", iterations);
    return as_it_should ? 0 : 1;
}
