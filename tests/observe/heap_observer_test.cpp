// A heap whose blocks lie where the test says, and the figures of it, worked out by hand.
#include "ashlar/observe/heap_observer.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <vector>

namespace {

using ashlar::replay_op;
using ashlar::replay_step;

/// Grants the addresses that it was given, in order; a block may use 16 bytes more than were asked for.
struct scripted {
    std::vector<std::uint64_t> addresses;
    std::size_t next = 0;
    std::uint64_t asked = 0;

    std::byte* grant(std::uint64_t size) noexcept {
        if (next == addresses.size()) return nullptr;
        asked = size;
        return reinterpret_cast<std::byte*>(addresses[next++]);  // nobody writes there
    }
    std::byte* allocate(std::uint64_t size, std::uint64_t) noexcept { return grant(size); }
    std::byte* allocate_zeroed(std::uint64_t size, std::uint64_t) noexcept { return grant(size); }
    std::byte* reallocate(std::byte*, std::uint64_t, std::uint64_t, std::uint64_t size, std::uint64_t) noexcept { return grant(size); }
    void deallocate(std::byte*, std::uint64_t, std::uint64_t) noexcept {}
    std::uint64_t last_granted(const std::byte*) const noexcept { return asked + 16; }
};

struct watched {
    scripted heap;
    std::array<std::uint64_t, 4> granted{};
    std::array<ashlar::replay_slot, 4> slots{};
    ashlar::heap_observer observer{granted};

    bool step(replay_op op, std::uint32_t slot, std::uint64_t size) {
        return observer.step(heap, replay_step{size, slot, 0, 4, op}, slots[slot]);
    }
};

}  // namespace

TEST_CASE("heap_observer: granted bytes and held pages are those of the live blocks", "[observe][heap_observer]") {
    watched w{.heap = {.addresses = {0x10000, 0x10ff0}}};
    CHECK(w.step(replay_op::allocate, 0, 48));
    CHECK(w.step(replay_op::allocate, 1, 48));  // with what it was granted, into the next page
    CHECK(w.observer.granted() == 128);
    CHECK(w.observer.held() == 2 * 4096);
    CHECK(w.step(replay_op::deallocate, 1, 48));
    CHECK(w.observer.granted() == 64);
    CHECK(w.observer.held() == 4096);
}

TEST_CASE("heap_observer: a new block is written from end to end, and the first line of one given back", "[observe][heap_observer]") {
    watched w{.heap = {.addresses = {0x10020, 0x10020}}};
    CHECK(w.step(replay_op::allocate, 0, 64));  // lies in two lines
    CHECK(w.observer.lines().touched() == 2);
    CHECK(w.step(replay_op::deallocate, 0, 64));
    CHECK(w.observer.lines().touched() == 3);
    CHECK(w.step(replay_op::allocate_zeroed, 0, 32));
    CHECK(w.observer.lines().touched() == 4);
    CHECK(w.observer.lines().missed() == 2);
}

TEST_CASE("heap_observer: a reallocation touches what is new, and all of it where it moved", "[observe][heap_observer]") {
    watched w{.heap = {.addresses = {0x10000, 0x10000, 0x20000}}};
    CHECK(w.step(replay_op::allocate, 0, 64));
    CHECK(w.step(replay_op::reallocate, 0, 192));
    CHECK(w.observer.stayed() == 1);
    CHECK(w.observer.lines().touched() == 3);
    CHECK(w.step(replay_op::reallocate, 0, 256));
    CHECK(w.observer.moved() == 1);
    CHECK(w.observer.lines().touched() == 3 + 3 + 4);
    CHECK(w.observer.granted() == 272);
}

TEST_CASE("heap_observer: a step that is refused changes no figure", "[observe][heap_observer]") {
    watched w{.heap = {.addresses = {0x10000}}};
    CHECK(w.step(replay_op::allocate, 0, 64));
    CHECK(!w.step(replay_op::reallocate, 0, 128));
    CHECK(!w.step(replay_op::allocate, 1, 128));
    CHECK(w.observer.granted() == 80);
    CHECK(w.observer.held() == 4096);
}
