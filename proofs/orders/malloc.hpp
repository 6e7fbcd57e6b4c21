// Scenarios of the malloc's protocols: blocks freed by other threads come home, the lock, the gate around fork.
#pragma once

#include "ashlar/malloc/fork_gate.hpp"
#include "ashlar/malloc/remote_list.hpp"
#include "ashlar/malloc/tiny_lock.hpp"

namespace orders {

inline constexpr std::uintptr_t key = 0x5eed'0000'1234'5670;

/// Spans of one owner, thread 0, who reads its mail while the others free.
template <class P, unsigned Pushers, unsigned Spans, unsigned Each, unsigned Rounds>
struct remote_frees {
    static constexpr unsigned threads = Pushers + 1;
    using node = ashlar::malloc::free_block<P>;
    struct span {
        ashlar::malloc::remote_list<P> remote;
        typename P::template plain<span*> next_in_mail{nullptr};
    };
    ashlar::malloc::mailbox<span, P> mail;
    span spans[Spans];
    node nodes[Pushers * Each]{};
    unsigned home[Pushers * Each]{};

    void collect() {
        for (span* s = mail.take_all(); s != nullptr;) {
            span* const next = s->next_in_mail;
            auto [first, last, count] = s->remote.take();
            P::expect(count != 0, "a span in the mailbox has blocks");
            P::expect(last->next(key) == nullptr, "the last block is the last");
            for (; first != nullptr; first = first->next(key), --count) {
                ++home[first - nodes];
                first->set_mark(key);
            }
            P::expect(count == 0, "the number of blocks is right");
            s = next;
        }
    }
    void run(unsigned thread) {
        if (thread == 0) {
            for (unsigned round = 0; round < Rounds; ++round) collect();
            return;
        }
        for (unsigned i = 0; i < Each; ++i) {
            node* const n = &nodes[(thread - 1) * Each + i];
            n->clear_mark();
            span& to = spans[(thread - 1 + i) % Spans];
            if (to.remote.push(n, n, 1, key)) mail.announce(&to);
        }
    }
    void finish() {
        collect();
        for (const unsigned times : home) P::expect(times == 1, "every block comes home once");
    }
};

template <class P, unsigned Threads>
struct lock_users {
    static constexpr unsigned threads = Threads;
    ashlar::malloc::tiny_lock<P> lock;
    typename P::template plain<unsigned> inside{0};
    typename P::template plain<unsigned> done[Threads];
    void run(unsigned thread) {
        if (thread == 1) {
            if (!lock.try_lock()) return static_cast<void>(done[thread] = 0u);
        } else {
            lock.lock();
        }
        inside = inside + 1;
        lock.unlock();
        done[thread] = 1u;
    }
    void finish() {
        unsigned all = 0;
        for (const auto& d : done) all += d;
        P::expect(inside == all, "one at a time");
    }
};

/// Who forks looks at what visitors change; close() once or twice.
template <class P, unsigned Forks>
struct gate_and_visitor {
    static constexpr unsigned threads = 2;
    ashlar::malloc::fork_gate<P> gate;
    typename P::template atomic<bool> inside{false};
    typename P::template plain<unsigned> lists{0};
    void run(unsigned thread) {
        if (thread == 0) {
            gate.enter(inside);
            lists = lists + 1;
            gate.leave(inside);
            return;
        }
        for (unsigned i = 0; i < Forks; ++i) {
            gate.close();
            P::expect(gate.settle(true, [&](auto left) { left(inside); }), "the visitor leaves");
            lists = lists + 1;
            gate.open();
        }
    }
    void finish() { P::expect(lists == Forks + 1, "nobody is inside while it is closed"); }
};
/// One who is inside looks at the lists of another heap whose flag is down.
template <class P>
struct gate_and_sleeper {
    static constexpr unsigned threads = 2;
    ashlar::malloc::fork_gate<P> gate;
    typename P::template atomic<bool> inside{false};
    typename P::template plain<unsigned> lists{0};
    void run(unsigned thread) {
        if (thread == 0) {
            gate.enter(inside);
            lists = lists + 1;
            gate.leave(inside);
        } else if (gate.try_close()) {
            if (!inside.load(ashlar::memory_order_acquire)) lists = lists + 1;
            gate.open();
        }
    }
};
/// Guests have no flag, and where there are no other threads' flags nobody raises a fence.
template <class P, bool Fence>
struct gate_and_guest {
    static constexpr unsigned threads = 2;
    ashlar::malloc::fork_gate<P> gate;
    typename P::template plain<unsigned> lists{0};
    void run(unsigned thread) {
        if (thread == 0) {
            gate.enter_as_guest();
            lists = lists + 1;
            gate.leave_as_guest();
            return;
        }
        gate.close();
        P::expect(gate.settle(Fence, [](auto) {}), "the guest leaves");
        lists = lists + 1;
        gate.open();
    }
    void finish() { P::expect(lists == 2, "no guest is inside while it is closed"); }
};

}  // namespace orders
