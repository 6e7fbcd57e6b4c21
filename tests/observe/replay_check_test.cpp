// A checked replay finds each way in which a heap can be wrong, and nothing in a right one.
#include "ashlar/observe/replay_check.hpp"

#include <catch2/catch.hpp>

#include <vector>

#include "support/sanitizer.hpp"

namespace {

using ashlar::replay_fault;
using ashlar::replay_op;
using ashlar::replay_step;

const std::vector<replay_step> life{{40, 0, 0, 4, replay_op::allocate},
                                    {24, 1, 0, 4, replay_op::allocate_zeroed},
                                    {100, 0, 0, 4, replay_op::reallocate},
                                    {24, 1, 0, 4, replay_op::deallocate},
                                    {13, 1, 0, 3, replay_op::allocate}};

enum class flaw { none, misaligns, leaves_dirt, forgets, overlaps };

/// The malloc with one flaw.
struct flawed {
    flaw how;
    ashlar::malloc_heap right{};
    std::vector<std::byte> same = std::vector<std::byte>(4096, std::byte{0});

    std::byte* allocate(std::uint64_t size, std::uint64_t align) noexcept {
        if (how == flaw::overlaps) return same.data();
        std::byte* p = right.allocate(size + align, align);
        return how == flaw::misaligns ? p + 1 : p;
    }
    std::byte* allocate_zeroed(std::uint64_t size, std::uint64_t align) noexcept {
        if (how == flaw::overlaps) return same.data();
        std::byte* p = right.allocate_zeroed(size, align);
        if (how == flaw::leaves_dirt) p[size - 1] = std::byte{1};
        return p;
    }
    std::byte* reallocate(std::byte* p, std::uint64_t old_size, std::uint64_t old_align, std::uint64_t size, std::uint64_t align) noexcept {
        std::byte* q = right.reallocate(p, old_size, old_align, size, align);
        if (how == flaw::forgets) q[old_size - 1] ^= std::byte{1};
        return q;
    }
    void deallocate(std::byte* p, std::uint64_t size, std::uint64_t align) noexcept {
        if (how != flaw::overlaps) right.deallocate(p, size, align);
    }
};

ashlar::replay_finding checked(flawed& heap, const std::vector<replay_step>& steps) {
    const support::leaks_are_meant scripts_end_with_live_blocks;
    std::vector<ashlar::replay_slot> slots(2);
    std::vector<std::uint32_t> generations(2);
    return ashlar::replay_checked(heap, steps, slots, generations);
}

}  // namespace

TEST_CASE("replay_check: a right heap passes", "[observe][replay_check]") {
    flawed heap{flaw::none};
    const auto found = checked(heap, life);
    CHECK(found.fault == replay_fault::none);
    CHECK(found.step == life.size());
}

TEST_CASE("replay_check: each flaw is found at its step", "[observe][replay_check]") {
    flawed misaligned{flaw::misaligns};
    CHECK(checked(misaligned, {life[0]}).fault == replay_fault::misaligned);
    flawed dirty{flaw::leaves_dirt};
    CHECK(checked(dirty, life).fault == replay_fault::not_zeroed);
    CHECK(checked(dirty, life).step == 1);
    flawed forgetful{flaw::forgets};
    CHECK(checked(forgetful, life).fault == replay_fault::not_kept);
    CHECK(checked(forgetful, life).step == 2);
}

TEST_CASE("replay_check: overlapping blocks are found when the first one ends, or at the end of all", "[observe][replay_check]") {
    const std::vector<replay_step> two{{40, 0, 0, 4, replay_op::allocate}, {40, 1, 0, 4, replay_op::allocate}};
    flawed heap{flaw::overlaps};
    CHECK(checked(heap, two).fault == replay_fault::overwritten);
    auto ended = two;
    ended.push_back({40, 0, 0, 4, replay_op::deallocate});
    CHECK(checked(heap, ended).step == 2);
}

TEST_CASE("replay_check: a refusal is no fault", "[observe][replay_check]") {
    flawed heap{flaw::none};
    const auto found = checked(heap, {{UINT64_MAX / 2, 0, 0, 4, replay_op::allocate}});
    CHECK(found.fault == replay_fault::none);
    CHECK(found.step == 0);
}
