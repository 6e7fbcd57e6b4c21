#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include "ashlar/malloc/remote_list.hpp"

using namespace ashlar;
using namespace ashlar::malloc;

namespace {
using node = free_block<std_atomics>;
constexpr std::uintptr_t key = 0x5eed'0000'1234'5678;
struct member {
    remote_list<std_atomics> remote;
    member* next_in_mail = nullptr;
};
}  // namespace

TEST_CASE("remote_list: take gives every block once, with their number", "[malloc][remote_list]") {
    remote_list<std_atomics> list;
    node nodes[5];
    CHECK(list.empty());
    CHECK(list.push(&nodes[0], &nodes[0], 1, key));  // it was empty: to be announced (remote_list.I1)
    nodes[1].set_next(&nodes[2], key);
    CHECK_FALSE(list.push(&nodes[1], &nodes[2], 2, key));
    const auto [first, last, count] = list.take();
    CHECK(count == 3);
    CHECK(first == &nodes[1]);
    CHECK(last == &nodes[0]);
    CHECK(nodes[2].next(key) == &nodes[0]);
    CHECK(nodes[0].next(key) == nullptr);
    CHECK(list.empty());
    CHECK(list.push(&nodes[3], &nodes[3], 1, key));
}

TEST_CASE("remote_list: blocks pushed by many threads all come home", "[malloc][remote_list]") {
    constexpr int threads_count = 3;
    constexpr int spans = 4;
    constexpr int each = 4000;
    mailbox<member, std_atomics> mail;
    std::vector<member> members(spans);
    std::vector<std::vector<node>> nodes(threads_count, std::vector<node>(each));
    std::atomic<int> running{threads_count};
    std::vector<std::thread> threads;
    for (int t = 0; t < threads_count; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) {
                node* n = &nodes[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)];
                member& m = members[static_cast<std::size_t>(i % spans)];
                if (m.remote.push(n, n, 1, key)) mail.announce(&m);
            }
            running.fetch_sub(1);
        });
    }
    std::size_t home = 0;
    for (bool done = false; !done;) {
        done = running.load() == 0;
        for (member* m = mail.take_all(); m != nullptr;) {
            member* const next = m->next_in_mail;
            auto [first, last, count] = m->remote.take();
            CHECK(last->next(key) == nullptr);
            CHECK(count != 0);  // a member in the mailbox has blocks: remote_list.I1, remote_list.I2
            for (; first != nullptr; first = first->next(key)) {
                ++home;
                --count;
            }
            if (count != 0) FAIL("the count does not match the chain");
            m = next;
        }
    }
    for (auto& thread : threads) thread.join();
    CHECK(home == threads_count * each);
}
