// The scenarios that Relacy runs, and bugs that it must find: sound protocols with one order less.
#pragma once

#include "handles.hpp"
#include "malloc.hpp"

namespace orders {

/// The remote list with another order in its push: seeded, for no text of ours is changed here.
template <class P, ashlar::memory_order Push>
struct seeded_remote {
    static constexpr unsigned threads = 3;
    struct node {
        typename P::template plain<node*> below{nullptr};
    };
    typename P::template atomic<node*> top{nullptr};
    typename P::template plain<node*> last{nullptr};
    node nodes[2];
    void run(unsigned thread) {
        if (thread == 2) {
            if (top.load(ashlar::memory_order_acquire) == nullptr) return;
            node* const end = last;
            node* first = top.exchange(nullptr, ashlar::memory_order_acq_rel);
            while (first != nullptr && first != end) first = first->below;
            return;
        }
        node* seen = top.load(ashlar::memory_order_relaxed);
        do nodes[thread].below = seen;
        while (!top.compare_exchange_weak(seen, &nodes[thread], Push, ashlar::memory_order_relaxed));
        if (seen == nullptr) last = &nodes[thread];
    }
    void finish() {}
};
template <class P>
struct seeded_lock {
    static constexpr unsigned threads = 2;
    typename P::template atomic<unsigned> taken{0};
    typename P::template plain<unsigned> inside{0};
    void run(unsigned) {
        while (taken.exchange(1, ashlar::memory_order_relaxed) != 0) P::pause();
        inside = inside + 1;
        taken.store(0, ashlar::memory_order_release);
    }
    void finish() {}
};

}  // namespace orders
