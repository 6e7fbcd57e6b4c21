// Idle slots and the gate in one word.
#include <array>
#include <catch2/catch.hpp>
#include <thread>

#include "ashlar/async/idle_stack.hpp"

using namespace ashlar;

namespace {
struct slots {
    std::array<idle_links<>, 4> all;
    slots() {
        for (std::uint32_t i = 0; i < all.size(); ++i) all[i].index = i;
    }
    auto at() {
        return [this](std::uint32_t i) -> idle_links<>& { return all[i]; };
    }
};
}  // namespace

TEST_CASE("idle_stack: gives the slot that came last, and refuses when none is left", "[async][idle_stack]") {
    slots s;
    idle_stack<> idle;
    CHECK(idle.pop(s.at()) == nullptr);
    for (auto& one : s.all) CHECK(idle.push(one));
    CHECK(idle.count(s.at(), 10) == 4);
    for (int i = 3; i >= 0; --i) CHECK(idle.pop(s.at()) == &s.all[static_cast<std::size_t>(i)]);
    CHECK(idle.pop(s.at()) == nullptr);
}

TEST_CASE("idle_stack: behind a shut gate only who holds the lock takes, and the order is kept", "[async][idle_stack]") {
    slots s;
    idle_stack<> idle;
    CHECK(idle.push(s.all[0]));
    CHECK(idle.push(s.all[1]));
    idle.shut();
    CHECK(idle.is_shut());
    CHECK(idle.pop(s.at()) == nullptr);
    CHECK_FALSE(idle.push(s.all[2]));
    CHECK(idle.pop_behind(s.at()) == &s.all[1]);
    idle.open();
    CHECK(idle.push(s.all[2]));
    CHECK(idle.pop(s.at()) == &s.all[2]);
    CHECK(idle.pop(s.at()) == &s.all[0]);
}

TEST_CASE("idle_stack: two threads take and give, and a slot never has two holders", "[async][idle_stack]") {
    slots s;
    idle_stack<> idle;
    int held[4] = {};  // plain: the sanitizer sees two holders of one
    std::atomic<int> wrong{0};
    for (auto& one : s.all) idle.push(one);
    const auto work = [&] {
        for (int i = 0; i < 3000; ++i) {
            auto* const mine = idle.pop(s.at());
            if (mine == nullptr) continue;
            if (++held[mine->index] != 1) ++wrong;
            --held[mine->index];
            if (!idle.push(*mine)) ++wrong;
        }
    };
    std::thread other(work);
    work();
    other.join();
    CHECK(wrong == 0);
    CHECK(idle.count(s.at(), 10) == 4);
}
