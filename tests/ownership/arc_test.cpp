#include "ashlar/ownership/arc.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "ledger.hpp"

using namespace ashlar;
using namespace owners;

namespace {

struct node {
    arc<node, plain_heap> next;
    weak_arc<node, plain_heap> before;
};
struct ending {
    explicit ending(std::atomic<int>& n) : ended(&n) {}
    ~ending() { ended->fetch_add(1); }
    std::atomic<int>* ended;
    int plain = 0;
};

}  // namespace

TEST_CASE("arc: whichever thread drops the last handle destroys the value, once, and sees what the others wrote",
          "[ownership][arc]") {
    ledger a;
    std::atomic<int> ended{0};
    constexpr int rounds = 300;
    for (int i = 0; i < rounds; ++i) {
        auto here = make_arc<ending>(a, ended).value();
        std::thread other([there = here]() mutable {
            if (ending* const only = there.get_mut()) only->plain = 1;
            there.reset();
        });
        if (ending* const only = here.get_mut()) only->plain = 2;
        here.reset();
        other.join();
    }
    CHECK(ended == rounds);
    CHECK(a.settled());
}

TEST_CASE("arc: weak handles upgrade in one thread while the last strong one goes in another", "[ownership][arc]") {
    ledger a;
    std::atomic<int> ended{0};
    for (int i = 0; i < 300; ++i) {
        auto here = make_arc<ending>(a, ended).value();
        std::thread other([watcher = weak_arc<ending, ledger>(here)] {
            const auto copy = watcher;
            while (const auto held = watcher.upgrade()) static_cast<void>(held->plain);
            static_cast<void>(copy.upgrade());
        });
        here.reset();
        other.join();
    }
    CHECK(ended == 300);
    CHECK(a.settled());
}

TEST_CASE("arc: many copies made and dropped in two threads leave one owner", "[ownership][arc]") {
    plain_heap heap;
    const auto shared = make_arc<int>(heap, 7).value();
    const auto work = [&shared](long& sum) {
        for (int i = 0; i < 20'000; ++i) {
            const auto copy = shared;
            sum += *copy;
        }
    };
    long here = 0, there = 0;
    std::thread other([&] { work(there); });
    work(here);
    other.join();
    CHECK(here + there == 2 * 20'000 * 7);
    CHECK(shared.unique());
}

TEST_CASE("arc: a long doubly linked list is released without recursion while another thread looks at its middle",
          "[ownership][arc]") {
    plain_heap heap;
    arc<node, plain_heap> head;
    weak_arc<node, plain_heap> middle;
    constexpr int length = 200'000;
    for (int i = 0; i < length; ++i) {
        auto made = make_arc<node>(heap).value();
        if (head) head->before = made;
        made->next = std::move(head);
        head = std::move(made);
        if (i == length / 2) middle = head;
    }
    std::thread other([&middle] {
        while (const auto held = middle.upgrade()) std::this_thread::yield();
        const auto copy = middle;
        static_cast<void>(copy.upgrade());
    });
    head.reset();
    other.join();
    CHECK(middle.expired());
}
