// The loop does what the steps say, in order, and stops where the heap refuses.
#include "ashlar/observe/replay_loop.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace {

using ashlar::replay_op;
using ashlar::replay_step;

/// Writes down what it is asked; refuses once `refuse_at` grants were made.
struct diary {
    std::vector<std::string> asked;
    std::vector<std::byte> room = std::vector<std::byte>(64 * 1024);
    std::size_t grants = 0;
    std::size_t refuse_at = SIZE_MAX;

    std::byte* grant() noexcept { return grants == refuse_at ? nullptr : room.data() + 8192 * (grants++ % 7); }
    std::byte* allocate(std::uint64_t size, std::uint64_t align) noexcept {
        asked.push_back("a" + std::to_string(size) + "@" + std::to_string(align));
        return grant();
    }
    std::byte* allocate_zeroed(std::uint64_t size, std::uint64_t) noexcept {
        asked.push_back("z" + std::to_string(size));
        return grant();
    }
    std::byte* reallocate(std::byte*, std::uint64_t old_size, std::uint64_t, std::uint64_t size, std::uint64_t) noexcept {
        asked.push_back("r" + std::to_string(old_size) + ">" + std::to_string(size));
        return grant();
    }
    void deallocate(std::byte* p, std::uint64_t size, std::uint64_t) noexcept {
        asked.push_back((p == nullptr ? "null" : "d") + std::to_string(size));
    }
};

const std::vector<replay_step> life{{40, 0, 0, 4, replay_op::allocate},
                                    {8, 1, 0, 3, replay_op::allocate_zeroed},
                                    {80, 0, 0, 4, replay_op::reallocate},
                                    {80, 0, 0, 4, replay_op::deallocate},
                                    {8, 1, 0, 3, replay_op::deallocate}};

}  // namespace

TEST_CASE("replay_loop: every step reaches the heap, in order, with what the block was granted for", "[observe][replay_loop]") {
    diary heap;
    std::vector<ashlar::replay_slot> slots(2);
    CHECK(ashlar::replay(heap, life, slots, 0, life.size(), ashlar::replay_touch::pages) == life.size());
    CHECK(heap.asked == std::vector<std::string>{"a40@16", "z8", "r40>80", "d80", "d8"});
}

TEST_CASE("replay_loop: it stops at the step that is refused, whose slot is as it was", "[observe][replay_loop]") {
    diary heap;
    heap.refuse_at = 2;
    std::vector<ashlar::replay_slot> slots(2);
    CHECK(ashlar::replay(heap, life, slots, 0, life.size(), ashlar::replay_touch::none) == 2);
    CHECK(slots[0].size() == 40);
}

TEST_CASE("replay_loop: a part of the steps can be done, and the rest later", "[observe][replay_loop]") {
    diary heap;
    std::vector<ashlar::replay_slot> slots(2);
    CHECK(ashlar::replay(heap, life, slots, 0, 2, ashlar::replay_touch::none) == 2);
    CHECK(ashlar::replay(heap, life, slots, 2, life.size(), ashlar::replay_touch::none) == life.size());
    CHECK(heap.asked.size() == life.size());
}

TEST_CASE("replay_loop: touching pages writes the first byte of each and no other, touching all writes all", "[observe][replay_loop]") {
    diary heap;
    std::vector<ashlar::replay_slot> slots(1);
    const std::vector<replay_step> one{{5000, 0, 0, 4, replay_op::allocate}};
    ashlar::replay(heap, one, slots, 0, 1, ashlar::replay_touch::pages);
    CHECK(heap.room[0] == std::byte{0x5a});
    CHECK(heap.room[1] == std::byte{0});
    CHECK(heap.room[4096] == std::byte{0x5a});
    heap.grants = 0;
    ashlar::replay(heap, one, slots, 0, 1, ashlar::replay_touch::all);
    CHECK(heap.room[4999] == std::byte{0x5a});
    CHECK(heap.room[5000] == std::byte{0});
}

TEST_CASE("replay_loop: the ticks of a step are the least of all rounds", "[observe][replay_loop]") {
    std::vector<std::uint32_t> ticks(life.size(), UINT32_MAX);
    ticks[1] = 0;
    diary heap;
    std::vector<ashlar::replay_slot> slots(2);
    CHECK(ashlar::replay_each(heap, life, slots, 0, life.size(), ashlar::replay_touch::none, ticks) == life.size());
    CHECK(ticks[0] < UINT32_MAX);
    CHECK(ticks[1] == 0);
}
