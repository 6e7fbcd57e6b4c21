#include "ashlar/testing/model.hpp"

#include <catch2/catch.hpp>

#include "ashlar/testing/script.hpp"

using namespace ashlar;
using namespace ashlar::testing;

namespace {
state heap_of(range r) { return model::map({}, r).after; }
layout bytes(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }

// The state as a fold over its own history O.
state replayed(const std::vector<operation>& history) {
    state s;
    for (const operation& o : history) {
        switch (o.what) {
            case verb::map: s = model::map(std::move(s), o.where).after; break;
            case verb::unmap: s = model::unmap(std::move(s), o.where).after; break;
            case verb::open_stack: s = model::open_stack(std::move(s), o.where).after; break;
            case verb::grant: s = model::grant(std::move(s), bytes(o.size, o.align), o.where).after; break;
            case verb::refuse: s.operations.push_back(o); break;
            case verb::deallocate:
                s = model::deallocate(std::move(s), o.where.begin, bytes(o.size, o.align)).after;
                break;
            case verb::resize: {
                const auto old = s.live.at(o.where.begin).asked;
                s = model::resize(std::move(s), o.where.begin, old, bytes(o.size, o.align), o.where.size()).after;
                break;
            }
            case verb::push: s = model::push(std::move(s), bytes(o.size, o.align)).after; break;
            case verb::pop: s = model::pop(std::move(s)).after; break;
            case verb::reset: s = model::reset(std::move(s)).after; break;
            case verb::allocate: break;
        }
    }
    return s;
}
}  // namespace

TEST_CASE("model: allocates if and only if some free run is aligned and long enough", "[testing][model]") {
    for (const placement where : {placement::lowest, placement::highest, placement::best}) {
        state s = heap_of({1000, 1100});
        CHECK(model::available(s, bytes(100)));
        CHECK_FALSE(model::available(s, bytes(101)));
        CHECK(model::available(s, bytes(76, 1024)));
        CHECK_FALSE(model::available(s, bytes(77, 1024)));
        auto done = model::allocate(s, bytes(76, 1024), where);
        REQUIRE(done.place);
        CHECK(*done.place == range{1024, 1100});
        CHECK_FALSE(model::allocate(done.after, bytes(25), where).place);
        CHECK(model::allocate(done.after, bytes(24), where).place);
    }
}

TEST_CASE("model: the placement chooses among the runs that fit", "[testing][model]") {
    state s = model::map(heap_of({100, 200}), {300, 350}).after;
    CHECK(*model::allocate(s, bytes(40), placement::lowest).place == range{100, 140});
    CHECK(*model::allocate(s, bytes(40), placement::highest).place == range{310, 350});
    CHECK(*model::allocate(s, bytes(40), placement::best).place == range{300, 340});
}

TEST_CASE("model: a grant that breaks a rule is named and changes nothing", "[testing][model]") {
    const state s = model::grant(heap_of({1000, 1100}), bytes(20), {1000, 1020}).after;
    const auto broken = [&](layout l, range r) {
        const step done = model::grant(s, l, r);
        CHECK(done.after == s);
        return std::string(done.broken);
    };
    CHECK(broken(bytes(10, 16), {1030, 1040}) == "a grant is aligned");
    CHECK(broken(bytes(10), {1030, 1039}) == "a grant is as long as was asked");
    CHECK(broken(bytes(10), {1015, 1025}) == "a grant is disjoint from every live block");
    CHECK(broken(bytes(10), {1095, 1105}) == "a grant lies in the managed memory");
}

TEST_CASE("model: only a live block is given back, with a layout that fits", "[testing][model]") {
    const state s = model::grant(heap_of({0, 100}), bytes(20), {32, 64}).after;
    CHECK_FALSE(model::deallocate(s, 33, bytes(20)).broken.empty());
    CHECK_FALSE(model::deallocate(s, 32, bytes(19)).broken.empty());
    CHECK_FALSE(model::deallocate(s, 32, bytes(33)).broken.empty());
    CHECK_FALSE(model::deallocate(s, 32, bytes(20, 2)).broken.empty());
    for (const std::size_t fits : {20U, 25U, 32U}) {
        const step done = model::deallocate(s, 32, bytes(fits));
        CHECK(done.broken.empty());
        CHECK(done.after.free == interval_set(range{0, 100}));
    }
}

TEST_CASE("model: a block grows into free memory only", "[testing][model]") {
    state s = model::grant(heap_of({0, 100}), bytes(20), {0, 20}).after;
    s = model::grant(s, bytes(20), {40, 60}).after;
    CHECK(model::resize(s, 0, bytes(20), bytes(40), 40).broken.empty());
    CHECK_FALSE(model::resize(s, 0, bytes(20), bytes(41), 41).broken.empty());
    const state less = model::resize(s, 0, bytes(20), bytes(5), 5).after;
    CHECK(less.free.contains({5, 40}));
}

TEST_CASE("model: frames are stacked up to the limit and end newest first", "[testing][model]") {
    state s = model::open_stack(heap_of({0, 200}), {100, 160}).after;
    CHECK_FALSE(s.free.meets({100, 160}));
    s = model::push(s, bytes(10)).after;
    const step second = model::push(s, bytes(16, 16));
    CHECK(*second.place == range{112, 128});
    CHECK_FALSE(model::push(second.after, bytes(33)).place);
    CHECK(model::push(second.after, bytes(32)).place);
    CHECK(*model::pop(second.after).place == range{112, 128});
    CHECK_FALSE(model::pop(heap_of({0, 1})).broken.empty());
    CHECK_FALSE(model::unmap(s, {90, 110}).place);
}

TEST_CASE("model: every reachable state keeps the invariants and is its own history replayed", "[testing][model]") {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        dice d(seed);
        state s = model::open_stack(heap_of({4096, 8192}), {5000, 5500}).after;
        const placement where = static_cast<placement>(seed % 3);
        for (int i = 0; i < 60; ++i) {
            const layout l = bytes(d.roll() % 300 + 1, std::size_t{1} << d.roll() % 8);
            const auto nth = d.roll();
            switch (d.roll() % 7) {
                case 0: case 1: case 2: s = model::allocate(std::move(s), l, where).after; break;
                case 3: s = model::push(std::move(s), l).after; break;
                case 4: s = model::pop(std::move(s)).after; break;
                case 5:
                    if (!s.live.empty()) {
                        const auto it = std::next(s.live.begin(), static_cast<std::ptrdiff_t>(nth % s.live.size()));
                        const layout asked = it->second.asked;
                        s = model::deallocate(std::move(s), it->first, asked).after;
                    }
                    break;
                default:
                    if (nth % 8 == 0) s = model::reset(std::move(s)).after;
                    if (!s.live.empty()) {
                        const auto [begin, b] = *s.live.begin();
                        const auto now = b.asked.resized(l.size());
                        s = model::resize(std::move(s), begin, b.asked, *now, now->size()).after;
                    }
            }
            REQUIRE(model::broken_invariant(s).empty());  // model.I1, model.I2, model.I3
        }
        REQUIRE(replayed(s.operations) == s);
    }
}
