// Scenarios of shared counts, of the async pool's idle slots, and of coroutine frames that other threads give back.
#pragma once

#include "ashlar/async/frame_cache.hpp"
#include "ashlar/async/idle_stack.hpp"
#include "ashlar/malloc/tiny_lock.hpp"
#include "ashlar/ownership/counts.hpp"
#include "ashlar/strategy/static_bump.hpp"

namespace orders {

/// A value with its counts; who drops the last handle destroys it, who drops the last weak one frees the block.
template <class P>
struct counted {
    ashlar::shared_counts<P> counts;
    typename P::template plain<unsigned> value{1};
    typename P::template plain<bool> freed{false};
    typename P::template plain<bool> destroyed{false};
    typename P::template plain<unsigned> block{7};  ///< what stands beside the value: any handle keeps it
    void drop() {
        if (!counts.drop_strong()) return;
        destroyed = true;
        value = 0u;
        drop_weak();
    }
    void drop_weak() {
        P::expect(block == 7, "a weak handle keeps the block");
        if (!counts.drop_weak()) return;
        freed = true;
        block = 0u;
    }
    void finish() { P::expect(destroyed && freed, "destroyed and freed"); }
};
/// Threads that hold a handle each: read, perhaps copy, drop.
template <class P, unsigned Threads>
struct counts_strong : counted<P> {
    static constexpr unsigned threads = Threads;
    counts_strong() {
        for (unsigned i = 1; i < Threads; ++i) this->counts.add_strong();
    }
    void run(unsigned thread) {
        if (thread == 1) {
            this->counts.add_strong();
            this->drop();
        }
        P::expect(this->value == 1, "a handle keeps the value");
        this->drop();
    }
};
/// Who finds that it has the only handle may change the value.
template <class P>
struct counts_unique : counted<P> {
    static constexpr unsigned threads = 2;
    counts_unique() { this->counts.add_strong(); }
    void run(unsigned thread) {
        if (thread == 0) P::expect(this->value == 1, "it is shared, so nobody changes it");
        if (thread == 1 && this->counts.unique()) this->value = 2u;
        this->drop();
    }
};
/// Three weak handles and a strong one go at once.
template <class P>
struct counts_all_weak : counted<P> {
    static constexpr unsigned threads = 3;
    counts_all_weak() {
        this->counts.add_weak_if_alive();
        this->counts.add_weak_if_alive();
    }
    void run(unsigned thread) { thread == 0 ? this->drop() : this->drop_weak(); }
};
/// A weak handle is upgraded while the last strong one goes.
template <class P>
struct counts_weak : counted<P> {
    static constexpr unsigned threads = 3;
    counts_weak() {
        this->counts.add_weak_if_alive();
        this->counts.add_strong();
    }
    void run(unsigned thread) {
        if (thread == 2) {
            if (this->counts.add_strong_if_alive()) {
                P::expect(this->value != 0, "an upgraded handle keeps the value");
                if (this->counts.add_weak_if_alive()) this->drop_weak();
                this->drop();
            }
            return this->drop_weak();
        }
        if (this->counts.unique()) this->value = 2u;
        this->drop();
    }
};
/// An owner gives its handle up and changes the value before; who upgrades a weak one then reads it.
template <class P>
struct counts_changed : counted<P> {
    static constexpr unsigned threads = 2;
    counts_changed() {
        this->counts.add_weak_if_alive();
        this->counts.add_strong();
    }
    void run(unsigned thread) {
        if (thread == 0) {
            this->value = 2u;
            return this->drop();
        }
        if (this->counts.unique()) this->value = 3u;
        // Two strong handles at first: one was given up, by the other thread; then what it wrote is to be seen.
        if (this->counts.strong() == 1 && this->counts.add_strong_if_alive()) {
            P::expect(this->value != 1, "what the other owner wrote is seen");
            this->drop();
        }
        this->drop();
        this->drop_weak();
    }
};
/// What is dead waits in a list while weak handles are still looked at.
template <class P>
struct counts_waiting : counted<P> {
    static constexpr unsigned threads = 2;
    counts_waiting() { this->counts.add_weak_if_alive(); }
    void run(unsigned thread) {
        if (thread == 1) {
            if (this->counts.add_strong_if_alive()) this->drop();
            if (this->counts.add_weak_if_alive()) this->drop_weak();
            return this->drop_weak();
        }
        if (!this->counts.drop_strong()) return;
        if (this->counts.wait(0x7f00'1234'5678)) P::expect(this->counts.stop_waiting() == 0x7f00'1234'5678, "the link is kept");
        this->destroyed = true;
        this->value = 0u;
        this->drop_weak();
    }
};

template <class P>
struct slot : ashlar::idle_links<P> {
    typename P::template plain<unsigned> object{0};
};
template <class P>
struct slots {
    slot<P> all[2];
    ashlar::idle_stack<P> idle;
    slots() {
        for (unsigned i = 0; i < 2; ++i) {
            all[i].index = i;
            idle.push(all[i]);
        }
    }
    auto at() {
        return [this](std::uint32_t i) -> slot<P>& { return all[i]; };
    }
    void use(slot<P>& s) { s.object = s.object + 1; }
};
template <class P, unsigned Threads, unsigned Rounds>
struct idle_users : slots<P> {
    static constexpr unsigned threads = Threads;
    void run(unsigned) {
        for (unsigned round = 0; round < Rounds; ++round) {
            slot<P>* const s = this->idle.pop(this->at());
            if (s == nullptr) continue;
            this->use(*s);
            P::expect(this->idle.push(*s), "the gate is open");
        }
    }
    void finish() { P::expect(this->idle.count(this->at(), 9) == 2, "no slot is lost"); }
};
/// Both slots at once: a slot that comes back may stand on another one than before.
template <class P>
struct idle_two_held : slots<P> {
    static constexpr unsigned threads = 2;
    void run(unsigned) {
        slot<P>* const a = this->idle.pop(this->at());
        slot<P>* const b = this->idle.pop(this->at());
        for (slot<P>* const s : {a, b}) {
            if (s == nullptr) continue;
            this->use(*s);
            P::expect(this->idle.push(*s), "the gate is open");
        }
    }
    void finish() { P::expect(this->idle.count(this->at(), 9) == 2, "no slot is lost"); }
};
/// Who shuts and opens the gate hands on what those before it did to slots that it did not take.
template <class P>
struct idle_gate_between : slots<P> {
    static constexpr unsigned threads = 3;
    void run(unsigned thread) {
        if (thread == 1) {
            this->idle.shut();
            slot<P>* const s = this->idle.pop_behind(this->at());
            this->idle.open();
            if (s != nullptr) P::expect(this->idle.push(*s), "the gate is open");
            return;
        }
        slot<P>* const a = this->idle.pop(this->at());
        slot<P>* const b = thread == 0 ? this->idle.pop(this->at()) : nullptr;
        for (slot<P>* const s : {a, b}) {
            if (s != nullptr) this->use(*s);
            if (s != nullptr && !this->idle.push(*s)) ++kept[thread];
        }
    }
    unsigned kept[3]{};
    void finish() { P::expect(this->idle.count(this->at(), 9) + kept[0] + kept[2] == 2, "no slot is lost"); }
};
/// One takes two slots, the other takes behind the gate, under the pool's lock, and opens it.
template <class P, bool Twice>
struct idle_gate : slots<P> {
    static constexpr unsigned threads = 2;
    ashlar::malloc::tiny_lock<P> lock;
    unsigned kept[2]{};
    void run(unsigned thread) {
        if (thread == 0) {
            for (unsigned i = 0; i < (Twice ? 2 : 1); ++i) {
                slot<P>* const s = this->idle.pop(this->at());
                if (s == nullptr) continue;
                this->use(*s);
                if (this->idle.push(*s)) continue;
                const ashlar::malloc::holding guard(lock);
                if (!this->idle.push(*s)) ++kept[0];
            }
            return;
        }
        const ashlar::malloc::holding guard(lock);
        this->idle.shut();
        slot<P>* const s = this->idle.pop_behind(this->at());
        if (s != nullptr) this->use(*s);
        this->idle.open();
        if (s != nullptr) P::expect(this->idle.push(*s), "who holds the lock finds the gate as it left it");
    }
    void finish() { P::expect(this->idle.count(this->at(), 9) + kept[0] == 2, "no slot is lost"); }
};

/// Thread 0 has the cache; frames that it made are destroyed by others.
template <class P, unsigned Others, bool Closes>
struct frames_returned {
    static constexpr unsigned threads = Others + 1;
    static constexpr std::size_t size = 40;
    using upstream_type = ashlar::static_bump<1024, 16, P>;
    using cache_type = ashlar::frame_cache<upstream_type, P>;
    using word = typename P::template plain<std::uint64_t>;
    upstream_type upstream;
    alignas(cache_type) std::byte place[sizeof(cache_type)];
    cache_type* cache = ::new (place) cache_type(upstream);
    void* frames[Others + 1]{};

    frames_returned() {
        for (void*& f : frames) f = cache->allocate(size);
    }
    static void write(void* frame) { ::new (static_cast<std::byte*>(frame) + 16) word(1); }
    void run(unsigned thread) {
        if (thread != 0) {
            write(frames[thread]);
            auto& h = ashlar::frame_header::of(frames[thread]);
            return h.origin->take_back(*h.origin, h, size);
        }
        write(frames[0]);
        cache->deallocate(frames[0], size);
        void* again[2];
        for (void*& f : again) {
            f = cache->allocate(size);
            P::expect(f != nullptr, "there is room");
            write(f);
        }
        for (void* f : again) cache->deallocate(f, size);
        if (!Closes) return;
        cache->close();
        if (upstream.allocate(*ashlar::layout::make(upstream.capacity(), 16))) write(frames[1]);  // if all of it is back
    }
    void finish() {
        if (!Closes) cache->close();
        const bool taken = Closes && upstream.room() == 0;  // whole, by run()
        P::expect(taken || upstream.room() == upstream.capacity(), "every frame goes back");
    }
};

}  // namespace orders
