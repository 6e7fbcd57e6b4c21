#include "ashlar/compose/apportioned.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "support/broken_contract.hpp"
#include "support/erased_laws.hpp"

using namespace ashlar;

namespace {
using upstream = testing::ground::upstream_type;
using parts = apportioned<2, upstream, 16384>;
layout bytes(std::size_t n, std::size_t align = 16) { return *layout::make(n, align); }

struct one_share {
    explicit one_share(testing::ground& g) : whole(g.upstream(), 0) {}
    auto& top() { return whole.of(1); }
    parts whole;
};
}  // namespace

ASHLAR_ENROL_ERASED("apportioned, a share", [](testing::ground& g) { return one_share(g); });

TEST_CASE("apportioned: every address of a grant tells whose it is", "[compose][apportioned]") {
    testing::ground g;
    parts all(g.upstream());
    for (std::size_t i = 0; i < 100; ++i) {
        const std::size_t who = i % 2;
        const auto granted = all.of(who).allocate(bytes(1 + i * 50));
        REQUIRE(granted);
        CHECK((parts::whose(granted->data) == who && parts::whose(granted->data + granted->size - 1) == who));  // apportioned.I1
        CHECK((all.of(who).owns(granted->data) && !all.of(1 - who).owns(granted->data)));
        CHECK((all.owns(granted->data) && all.may_be_ours(granted->data)));
    }
    const auto large = all.large().allocate(bytes(100'000, 4096));
    REQUIRE(large);
    CHECK((parts::whose(large->data) == 2 && all.owns(large->data + large->size - 1) && all.consistent()));
    static std::byte foreign[64];
    CHECK_FALSE(all.owns(foreign));
    all.reset();
    CHECK(g.managed().empty());
}

TEST_CASE("apportioned: memory that one share gives back serves the other without the upstream", "[compose][apportioned]") {
    testing::ground g;
    parts all(g.upstream());
    std::vector<block> held;
    while (held.size() < 12) held.push_back(*all.of(0).allocate(bytes(4096, 4096)));
    const std::size_t before = all.managed_bytes();
    for (const block b : held) all.of(0).deallocate(b.data, bytes(4096, 4096));
    CHECK((all.managed_bytes() == before && all.idle_regions() == 4 && all.of(0).held() == 0));
    for (block& b : held) b = *all.of(1).allocate(bytes(4096, 4096));
    CHECK((all.managed_bytes() == before && all.consistent() && parts::whose(held[0].data) == 1));
    for (const block b : held) all.of(1).deallocate(b.data, bytes(4096, 4096));
    all.trim();
    CHECK(g.managed().empty());
}

TEST_CASE("apportioned: at most so many idle regions are kept", "[compose][apportioned]") {
    testing::ground g;
    parts all(g.upstream(), 2);
    std::vector<block> held;
    while (held.size() < 6) held.push_back(*all.of(0).allocate(bytes(parts::largest)));
    for (const block b : held) all.of(0).deallocate(b.data, bytes(parts::largest));
    CHECK((all.idle_regions() == 2 && all.managed_bytes() == 2 * 16384 && all.consistent()));  // apportioned.I4
}

TEST_CASE("apportioned: runs of slices that have been given back serve again, in one region", "[compose][apportioned]") {
    testing::ground g;
    parts all(g.upstream());
    std::vector<block> held;
    for (std::size_t i = 0; i < 63; ++i) held.push_back(*all.of(0).allocate(bytes(256)));
    CHECK(all.managed_bytes() == 16384);
    for (std::size_t i = 15; i < 63; ++i) all.of(0).deallocate(held[i].data, bytes(256));
    CHECK(all.consistent());  // apportioned.I2, apportioned.I3
    for (std::size_t i = 0; i < 3; ++i) CHECK(all.of(0).allocate(bytes(4096)));
    CHECK((all.managed_bytes() == 16384 && all.consistent()));
}

TEST_CASE("apportioned: more than a region holds and alignments as large as one are refused", "[compose][apportioned]") {
    testing::ground g;
    parts all(g.upstream());
    CHECK_FALSE(all.of(0).allocate(bytes(parts::largest + 1)));
    CHECK_FALSE(all.of(0).available(bytes(parts::largest + 1)));
    CHECK_FALSE(all.of(0).allocate(bytes(16, 16384)));
    CHECK_FALSE(all.large().allocate(bytes(16, 16384)));
    CHECK_FALSE(all.large().allocate(bytes(layout::max_size - 64)));
    CHECK_FALSE(all.large().available(bytes(layout::max_size - 64)));
    CHECK(g.managed().empty());
}

TEST_CASE("apportioned: a grant given to another share or back twice breaks the contract", "[compose][apportioned]") {
    testing::ground g;
    parts all(g.upstream());
    const auto stays = all.of(0).allocate(bytes(256)), p = all.of(0).allocate(bytes(256));
    REQUIRE((stays && p));
    CHECK_FALSE(support::broken_contract([&] { all.of(1).deallocate(p->data, bytes(256)); }).empty());
    all.of(0).deallocate(p->data, bytes(256));
    CHECK_FALSE(support::broken_contract([&] { all.of(0).deallocate(p->data, bytes(256)); }).empty());
    CHECK_FALSE(support::broken_contract([&] { all.large().deallocate(stays->data, bytes(256)); }).empty());
    CHECK((all.consistent() && all.of(0).held() == 256));
}
