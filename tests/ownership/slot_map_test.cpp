#include "ashlar/ownership/slot_map.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>
#include <vector>

#include "support/broken_contract.hpp"

using namespace ashlar;

namespace {

struct counting {
    std::size_t held = 0, requests = 0, refuse_from = 0;
    result<block> allocate(layout l) noexcept {
        if (++requests >= refuse_from && refuse_from != 0) return alloc_error{};
        ++held;
        return block{static_cast<std::byte*>(::operator new(l.size(), std::align_val_t{l.align()})), l.size()};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        --held;
        ::operator delete(p, std::align_val_t{l.align()});
    }
};
struct fussy {
    std::unique_ptr<int> value;
    explicit fussy(int v) : value(std::make_unique<int>(v)) {
        if (v < 0) throw std::invalid_argument("negative");
    }
};
struct alignas(64) wide {
    char c = 'x';
};

}  // namespace

TEST_CASE("slot_map: a value is found by its key until it is erased, and never after", "[ownership][slot_map]") {
    counting memory;
    {
        slot_map<fussy, counting> map(memory);
        const auto a = *map.insert(1), b = *map.insert(2), c = *map.insert(3);
        CHECK(*map.find(b)->value == 2);
        CHECK(map.erase(a));
        CHECK_FALSE(map.erase(a));
        CHECK(map.find(a) == nullptr);
        CHECK(*map.find(c)->value == 3);
        const auto d = *map.insert(4);
        CHECK(d.index == a.index);
        CHECK(map.find(a) == nullptr);
        CHECK(*map.find(d)->value == 4);
        CHECK(map.find({}) == nullptr);
        CHECK(map.find({1u << 31, 1}) == nullptr);
        CHECK(map.key_of(*map.find(c)) == c);
        CHECK(map.size() == 3);
        CHECK(map.consistent());
    }
    CHECK(memory.held == 0);
}

TEST_CASE("slot_map: the values lie side by side, whatever was erased", "[ownership][slot_map]") {
    counting memory;
    slot_map<int, counting> map(memory);
    std::vector<handle<int>> keys;
    for (int i = 0; i < 100; ++i) keys.push_back(*map.insert(i));
    for (std::size_t i = 0; i < 100; i += 3) map.erase(keys[i]);
    int sum = 0;
    for (const int v : map) sum += v;
    CHECK(sum == 4950 - 1683);
    CHECK(map.end() - map.begin() == 66);
    map.clear();
    CHECK(map.empty());
    for (const auto k : keys) CHECK(map.find(k) == nullptr);
    CHECK(map.consistent());
}

TEST_CASE("slot_map: agrees with a list of pairs on random clients", "[ownership][slot_map]") {
    counting memory;
    slot_map<std::unique_ptr<int>, counting> map(memory);
    std::vector<std::pair<handle<std::unique_ptr<int>>, int>> live;
    unsigned dice = 7;
    for (int i = 0; i < 5000; ++i) {
        dice = dice * 1664525 + 1013904223;
        if (live.empty() || (dice >> 16) % 100 < 52) {
            live.emplace_back(*map.insert(std::make_unique<int>(i)), i);
        } else {
            const std::size_t which = (dice >> 8) % live.size();
            if (**map.find(live[which].first) != live[which].second) FAIL("another value");
            if (!map.erase(live[which].first)) FAIL("not erased");
            live[which] = live.back();
            live.pop_back();
        }
        if (i % 500 == 0) REQUIRE(map.consistent());
    }
    CHECK(map.size() == live.size());
}

TEST_CASE("slot_map: a refused insert changes nothing, at every request in turn", "[ownership][slot_map]") {
    for (std::size_t n = 1; n < 5; ++n) {
        counting memory;
        memory.refuse_from = n;
        slot_map<std::unique_ptr<int>, counting> map(memory);
        std::vector<handle<std::unique_ptr<int>>> keys;
        auto value = std::make_unique<int>(0);
        while (const auto k = map.insert(std::move(value))) {
            keys.push_back(*k);
            value = std::make_unique<int>(static_cast<int>(keys.size()));
        }
        REQUIRE(value != nullptr);  // a refusal does not take the argument either
        CHECK(keys.size() == (n == 1 ? 0 : std::size_t{8} << (n - 2)));
        for (std::size_t i = 0; i < keys.size(); ++i) REQUIRE(**map.find(keys[i]) == static_cast<int>(i));
        CHECK_FALSE(map.reserve(1000));
        CHECK_FALSE(map.reserve(PTRDIFF_MAX));
        CHECK(map.consistent());
        memory.refuse_from = 0;
        CHECK(map.insert(std::move(value)));
    }
}

TEST_CASE("slot_map: a constructor that throws changes nothing, with and without room", "[ownership][slot_map]") {
    counting memory;
    slot_map<fussy, counting> map(memory);
    CHECK_THROWS_AS(map.insert(-1), std::invalid_argument);
    CHECK(memory.held == 0);
    const auto k = *map.insert(5);
    CHECK_THROWS_AS(map.insert(-1), std::invalid_argument);
    CHECK(map.size() == 1);
    CHECK(*map.find(k)->value == 5);
    CHECK(map.consistent());
}

TEST_CASE("slot_map: a value may be made of another of the same map, also when everything moves",
          "[ownership][slot_map]") {
    counting memory;
    slot_map<std::vector<int>, counting> map(memory);
    const auto first = *map.insert(std::vector<int>{1, 2, 3});
    for (int i = 0; i < 40; ++i) {
        const auto k = *map.insert(*map.find(first));
        if (map.find(k)->size() != 3) FAIL("made of a value that had moved");
    }
}

TEST_CASE("slot_map: values are aligned as their type asks", "[ownership][slot_map]") {
    counting memory;
    slot_map<wide, counting> map(memory);
    for (int i = 0; i < 20; ++i) static_cast<void>(map.insert());
    for (const wide& w : map) REQUIRE(reinterpret_cast<std::uintptr_t>(&w) % 64 == 0);
    CHECK(map.reserve(100));
    CHECK(map.capacity() == 100);
    for (const wide& w : map) REQUIRE(w.c == 'x');
    const wide other;
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(map.key_of(other)); }).empty());
}
