// ownership - rc, arc and box beside std::shared_ptr, std::unique_ptr and pointers counted by hand, on the same work.
//
// Usage:  ownership [rounds]
// Output: one JSON object per line: work, owner, ns per operation of every round.
// Rounds are interleaved: every owner runs once before any runs again. A second thread lives from beginning to end, so
// that std::shared_ptr counts atomically. All blocks come from the program's malloc.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "ashlar/ownership/arc.hpp"
#include "ashlar/ownership/box.hpp"
#include "ashlar/ownership/rc.hpp"
#include "ashlar/strategy/system.hpp"
#include "rounds.hpp"

namespace {

ashlar::system heap;

struct value {
    std::uint64_t number = 1;
};

// A pointer counted by hand, as one writes it who needs no weak handles, no arrays and no allocators.
template <class Count>
class intrusive {
public:
    intrusive() = default;
    intrusive(const intrusive& other) : object_(other.object_) {
        if (object_ != nullptr) object_->up();
    }
    intrusive(intrusive&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    intrusive& operator=(intrusive other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~intrusive() {
        if (object_ != nullptr && object_->down()) delete object_;
    }
    static intrusive make() {
        intrusive made;
        made.object_ = new object;
        return made;
    }
    friend void swap(intrusive& a, intrusive& b) noexcept { std::swap(a.object_, b.object_); }
    value* operator->() const { return &object_->held; }

private:
    struct object {
        Count count{1};
        value held;
        void up() {
            if constexpr (requires { count.fetch_add(1); }) count.fetch_add(1, std::memory_order_relaxed);
            else ++count;
        }
        bool down() {
            if constexpr (requires { count.fetch_sub(1); }) {
                if (count.fetch_sub(1, std::memory_order_release) != 1) return false;
                std::atomic_thread_fence(std::memory_order_acquire);
                return true;
            } else {
                return --count == 0;
            }
        }
    };
    object* object_ = nullptr;
};

struct by_rc {
    static constexpr const char* name = "rc";
    static auto make() { return ashlar::make_rc<value>(heap).value(); }
};
struct by_hand {
    static constexpr const char* name = "by hand";
    static auto make() { return intrusive<std::uint32_t>::make(); }
};
struct by_arc {
    static constexpr const char* name = "arc";
    static auto make() { return ashlar::make_arc<value>(heap).value(); }
};
struct by_hand_atomic {
    static constexpr const char* name = "by hand, atomic";
    static auto make() { return intrusive<std::atomic<std::uint32_t>>::make(); }
};
struct by_shared_ptr {
    static constexpr const char* name = "shared_ptr";
    static auto make() { return std::shared_ptr<value>(new value); }
};
struct by_make_shared {
    static constexpr const char* name = "make_shared";
    static auto make() { return std::make_shared<value>(); }
};

template <class T>
void keep(const T& seen) {
    asm volatile("" : : "g"(&seen) : "memory");
}

// One handle is copied and the copy dropped.
struct copy_and_drop {
    static constexpr const char* name = "copy and drop one handle";
    static constexpr int operations = 200'000;
    template <class Owner>
    static void run() {
        const auto one = Owner::make();
        for (int i = 0; i < operations; ++i) {
            const auto copy = one;
            keep(copy);
        }
    }
};
// A table of handles to 4,096 values is copied and dropped.
struct copy_a_table {
    static constexpr const char* name = "copy and drop a table of 4,096 handles";
    static constexpr int values = 4096, times = 40, operations = values * times;
    template <class Owner>
    static void run() {
        std::vector<decltype(Owner::make())> table;
        for (int i = 0; i < values; ++i) table.push_back(Owner::make());
        for (int i = 0; i < times; ++i) {
            const auto copy = table;
            keep(copy);
        }
    }
};
// Values are made and destroyed, 256 alive at once.
struct make_and_destroy {
    static constexpr const char* name = "make and destroy a value";
    static constexpr int alive = 256, times = 400, operations = alive * times;
    template <class Owner>
    static void run() {
        decltype(Owner::make()) held[alive];
        for (int i = 0; i < operations; ++i) held[i % alive] = Owner::make();
        keep(held);
    }
};
// Handles are sorted into random places by swaps, as any algorithm over a table of them does, and the values read.
struct shuffle_and_read {
    static constexpr const char* name = "swap two handles and read both";
    static constexpr int values = 4096, operations = 200'000;
    template <class Owner>
    static void run() {
        std::vector<decltype(Owner::make())> table;
        for (int i = 0; i < values; ++i) table.push_back(Owner::make());
        using std::swap;
        std::uint64_t state = 1, sum = 0;
        for (int i = 0; i < operations; ++i) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            auto& a = table[(state >> 33) % values];
            auto& b = table[(state >> 45) % values];
            sum += a->number + b->number;
            swap(a, b);
        }
        if (sum != 2 * operations) std::abort();
    }
};

template <class Work, class Owner>
double once() {
    const double begin = bench::processor_nanoseconds();
    Work::template run<Owner>();
    return (bench::processor_nanoseconds() - begin) / Work::operations;
}

template <class Work, class... Owners>
void compete(int rounds) {
    std::vector<std::vector<double>> found(sizeof...(Owners));
    (once<Work, Owners>(), ...);  // warm
    for (int round = 0; round < rounds; ++round) {
        std::size_t place = 0;
        (found[place++].push_back(once<Work, Owners>()), ...);
    }
    const char* names[] = {Owners::name...};
    for (std::size_t i = 0; i < sizeof...(Owners); ++i) {
        std::printf("{\"work\": \"%s\", \"owner\": \"%s\", ", Work::name, names[i]);
        bench::print_rounds("ns", found[i]);
    }
}

template <class Work>
void compete_all(int rounds) {
    compete<Work, by_rc, by_hand, by_arc, by_hand_atomic, by_shared_ptr, by_make_shared>(rounds);
}

}  // namespace

int main(int count, char** arguments) {
    const int rounds = count > 1 ? std::atoi(arguments[1]) : 15;
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    std::thread other([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ended; });
    });
    compete_all<copy_and_drop>(rounds);
    compete_all<copy_a_table>(rounds);
    compete_all<make_and_destroy>(rounds);
    compete_all<shuffle_and_read>(rounds);
    {
        const std::lock_guard lock(mutex);
        ended = true;
    }
    changed.notify_one();
    other.join();
}
