// Long: every way into and out of a slot, against one upstream that counts.
#include "ashlar/ownership/object_pool.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <vector>

#include "support/broken_contract.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {

/// An upstream that counts what is out, and refuses when it is told to.
struct counting {
    std::size_t held = 0, requests = 0, refuse_from = 0;
    result<block> allocate(layout l) noexcept {
        if (refuse_from != 0 && ++requests >= refuse_from) return alloc_error{};
        ++held;
        return block{static_cast<std::byte*>(::operator new(l.size(), std::align_val_t{l.align()})), l.size()};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        --held;
        ::operator delete(p, std::align_val_t{l.align()});
    }
};

struct counted {
    static inline int live = 0;
    int value;
    explicit counted(int v = 0) : value(v) {
        if (v < 0) throw std::invalid_argument("negative");
        ++live;
    }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --live; }
};
using counted_pool = object_pool<counted, counting>;

}  // namespace

TEST_CASE("object_pool: a lease makes the object, and releases it when it ends", "[ownership][object_pool]") {
    counting memory;
    {
        counted_pool pool(memory);
        {
            const auto lease = pool.acquire(7);
            REQUIRE(lease);
            CHECK(lease->value == 7);
            CHECK(counted::live == 1);
        }
        CHECK(counted::live == 0);
        auto first = pool.acquire(1);
        auto second = std::move(first);
        CHECK_FALSE(first);
        CHECK((*second).value == 1);
        second = pool.acquire(2);
        CHECK(counted::live == 1);
        second.release();
        second.release();
        CHECK(counted::live == 0);
        CHECK(pool.consistent());
    }
    CHECK(memory.held == 0);
}

TEST_CASE("object_pool: the object released last is where the next one is made", "[ownership][object_pool]") {
    counting memory;
    counted_pool pool(memory);
    auto x = pool.acquire(1), y = pool.acquire(2);
    const counted* const was = x.get();
    CHECK(y.get() != was);
    x.release();
    CHECK(pool.acquire(3).get() == was);
}

TEST_CASE("object_pool: a stale handle finds nothing and releases nothing", "[ownership][object_pool]") {
    counting memory;
    counted_pool pool(memory);
    const auto h = pool.acquire(5).detach();
    CHECK(pool.get(h)->value == 5);
    CHECK(pool.release(h));
    CHECK(pool.get(h) == nullptr);
    CHECK_FALSE(pool.release(h));
    const auto other = pool.acquire(6).detach();  // the same slot
    CHECK(other.index == h.index);
    CHECK(pool.get(h) == nullptr);
    CHECK_FALSE(pool.release(h));
    CHECK(pool.get(other)->value == 6);
    CHECK(pool.get({}) == nullptr);
    CHECK(pool.get({1u << 29, 1}) == nullptr);
    CHECK(pool.get({other.index, other.generation + 1}) == nullptr);
    const auto lease = pool.acquire(7);  // no handle owns it yet: none that was guessed reaches it
    for (std::uint32_t i = 0; i < 64; ++i) {
        if (pool.get({i, 1}) == lease.get()) FAIL("a guessed handle reached a leased object");
    }
    CHECK(counted::live == 2);
}

TEST_CASE("object_pool: what handles own ends with the pool", "[ownership][object_pool]") {
    counting memory;
    {
        counted_pool pool(memory, {.first = 2});
        for (int i = 0; i < 100; ++i) static_cast<void>(pool.acquire(i).detach());
        CHECK(counted::live == 100);
        CHECK(pool.capacity() >= 100);
        CHECK(pool.consistent());
    }
    CHECK(counted::live == 0);
    CHECK(memory.held == 0);
}

TEST_CASE("object_pool: a random client always finds its objects, whatever the first chunk", "[ownership][object_pool]") {
    for (const std::uint32_t first : {1u, 3u, 64u}) {
        counting memory;
        counted_pool pool(memory, {.first = first});
        std::vector<std::pair<handle<counted>, int>> live;
        std::vector<handle<counted>> stale;
        unsigned dice = first;
        for (int i = 0; i < 3000; ++i) {
            dice = dice * 1664525 + 1013904223;
            if (live.empty() || (dice >> 16) % 100 < 55) {
                live.emplace_back(pool.acquire(i).detach(), i);
            } else {
                const std::size_t which = (dice >> 8) % live.size();
                if (pool.get(live[which].first)->value != live[which].second) FAIL("another object");
                if (!pool.release(live[which].first)) FAIL("not released");
                stale.push_back(live[which].first);
                live[which] = live.back();
                live.pop_back();
            }
        }
        for (const auto h : stale) {
            if (pool.get(h) != nullptr) FAIL("a stale handle found something");
        }
        CHECK(pool.consistent());
        CHECK(static_cast<std::size_t>(counted::live) == live.size());
    }
}

TEST_CASE("object_pool: the limit holds, and refusals change nothing", "[ownership][object_pool]") {
    counting memory;
    counted_pool pool(memory, {.first = 4, .limit = 10});
    std::vector<counted_pool::lease> held;
    for (int i = 0; i < 10; ++i) held.push_back(pool.acquire(i));
    CHECK(held.back());
    CHECK_FALSE(pool.acquire(11));
    CHECK_FALSE(pool.take(11));
    CHECK(pool.capacity() == 10);
    CHECK(pool.consistent());
    held.pop_back();
    CHECK(pool.acquire(12));
    CHECK_FALSE(pool.reserve(11));
}

TEST_CASE("object_pool: an upstream that refuses at the n-th chunk is a refusal, and later ones are granted",
          "[ownership][object_pool]") {
    for (std::size_t n = 1; n < 6; ++n) {
        counting memory;
        memory.refuse_from = n;
        {
            counted_pool pool(memory, {.first = 2});
            std::vector<counted_pool::lease> held;
            while (true) {
                auto lease = pool.acquire(1);
                if (!lease) break;
                held.push_back(std::move(lease));
            }
            CHECK(held.size() == (std::size_t{2} << (n - 1)) - 2);
            CHECK_FALSE(pool.reserve(1000));
            CHECK(pool.consistent());
            memory.refuse_from = 0;
            CHECK(pool.acquire(1));
            CHECK(pool.reserve(1000));
            CHECK(pool.capacity() >= 1000);
        }
        CHECK(memory.held == 0);
        CHECK(counted::live == 0);
    }
}

TEST_CASE("object_pool: a constructor that throws leaves the pool as it was", "[ownership][object_pool]") {
    counting memory;
    counted_pool pool(memory, {.first = 1, .limit = 1});
    CHECK_THROWS_AS(pool.acquire(-1), std::invalid_argument);
    CHECK_THROWS_AS(pool.acquire(-1), std::invalid_argument);
    CHECK(pool.acquire(1));
    CHECK(pool.consistent());
    CHECK(counted::live == 0);
}

namespace {
struct parent {
    object_pool<parent, counting>& pool;
    handle<parent> child;
    parent(object_pool<parent, counting>& p, int depth) : pool(p) {
        if (depth != 0) child = p.acquire(p, depth - 1).detach();
    }
    ~parent() { pool.release(child); }
};
struct buffer {
    static inline int made = 0;
    std::vector<int> values;
    buffer() { ++made; }
};
struct emptied {
    void operator()(buffer& b) const noexcept { b.values.clear(); }
};
}  // namespace

TEST_CASE("object_pool: an object may take and release others in its constructor and destructor",
          "[ownership][object_pool]") {
    counting memory;
    object_pool<parent, counting> pool(memory, {.first = 2});
    const auto root = pool.acquire(pool, 50).detach();
    CHECK(pool.get(pool.get(root)->child) != nullptr);
    const auto child = pool.get(root)->child;
    CHECK(pool.release(root));
    CHECK(pool.get(child) == nullptr);
    CHECK(pool.consistent());
}

TEST_CASE("object_pool: recycled objects are constructed once and reset at each release", "[ownership][object_pool]") {
    counting memory;
    buffer::made = 0;
    {
        object_pool<buffer, counting, recycled<emptied>> pool(memory);
        const int* data = nullptr;
        for (int i = 0; i < 5; ++i) {
            const auto lease = pool.acquire();
            CHECK(lease->values.empty());
            CHECK((i == 0 || lease->values.capacity() >= 100));
            lease->values.resize(100);
            CHECK((i == 0 || lease->values.data() == data));
            data = lease->values.data();
        }
        const auto h = pool.acquire().detach();
        CHECK(pool.release(h));
        CHECK(pool.get(h) == nullptr);
        CHECK(pool.consistent());
        CHECK(buffer::made == 1);
    }
    CHECK(memory.held == 0);
}

TEST_CASE("object_pool: putting back twice, or what was not taken, breaks the contract", "[ownership][object_pool]") {
    counting memory;
    counted_pool pool(memory);
    const auto broken = [&](counted* p) { return !broken_contract([&] { pool.put(p); }).empty(); };
    counted* const x = *pool.take(1);
    counted other;
    CHECK(broken(&other));
    CHECK(broken(nullptr));
    CHECK(broken(reinterpret_cast<counted*>(reinterpret_cast<std::byte*>(x) + sizeof(int))));
    pool.put(x);
    CHECK(broken(x));
    const auto owned_by_handle = pool.acquire(2).detach();
    CHECK(broken(pool.get(owned_by_handle)));
    counted_pool::lease empty;
    CHECK_FALSE(broken_contract([&] { static_cast<void>(*empty); }).empty());
    CHECK(pool.release(owned_by_handle));
}

TEST_CASE("object_pool: a slot whose generations are used up is never used again", "[ownership][object_pool]") {
    counting memory;
    object_pool<int, counting> pool(memory, {.first = 1, .limit = 1});
    const auto h = pool.acquire(1).detach();
    // Counting there would take 2^32 releases: the count stands behind the object and its mark.
    reinterpret_cast<std::uint32_t*>(pool.get(h))[3] = 0xffffffffu;
    const handle<int> last{h.index, 0xffffffffu};
    CHECK(pool.get(last) != nullptr);
    CHECK(pool.release(last));
    CHECK(pool.get(last) == nullptr);
    CHECK_FALSE(pool.acquire(2));
    CHECK(pool.consistent());
}

TEST_CASE("object_pool: a trim gives back the chunks behind the last that is needed, and stale handles stay stale",
          "[ownership][object_pool]") {
    counting memory;
    {
        counted_pool pool(memory, {.first = 4});
        std::vector<handle<counted>> all;
        for (int i = 0; i < 60; ++i) all.push_back(pool.acquire(i).detach());  // chunks of 4, 8, 16 and 32
        CHECK(memory.held == 4);
        for (std::size_t i = 5; i < all.size(); ++i) CHECK(pool.release(all[i]));
        pool.trim();
        CHECK((memory.held == 2 && pool.capacity() == 12));
        CHECK(pool.consistent());
        for (std::size_t i = 0; i < all.size(); ++i) CHECK((pool.get(all[i]) != nullptr) == (i < 5));
        std::vector<handle<counted>> again;
        for (int i = 5; i < 60; ++i) again.push_back(pool.acquire(i).detach());
        for (std::size_t i = 5; i < all.size(); ++i) {
            CHECK(pool.get(all[i]) == nullptr);
            CHECK_FALSE(pool.release(all[i]));
        }
        for (const auto h : again) CHECK(pool.release(h));
        for (std::size_t i = 0; i < 5; ++i) CHECK(pool.release(all[i]));
        CHECK(pool.reserve(1000));
        pool.trim();
        CHECK((memory.held == 0 && pool.capacity() == 0 && counted::live == 0));
        const auto lease = pool.acquire(1);  // unharmed
        REQUIRE(lease);
        pool.trim();
        CHECK(lease->value == 1);
    }
    CHECK(memory.held == 0);
}

TEST_CASE("object_pool: a trim ends the objects that were kept in the chunks it gives back", "[ownership][object_pool]") {
    counting memory;
    object_pool<counted, counting, recycled<decltype([](counted&) {})>> pool(memory, {.first = 2});
    {
        const auto a = pool.acquire(), b = pool.acquire(), c = pool.acquire();
        CHECK(counted::live == 3);
    }
    const auto kept = pool.acquire();
    pool.trim();
    CHECK(pool.consistent());
    CHECK((memory.held == 1 && counted::live == 2));  // of the two chunks, the one with two objects
}
