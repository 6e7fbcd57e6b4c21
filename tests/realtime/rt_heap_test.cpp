#include "ashlar/realtime/rt_heap.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <utility>
#include <vector>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/strategy/half_fit.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"

using namespace ashlar;

namespace {

template <class Fit>
using inside = rt_heap<Fit, headers::inside>;
template <class Fit, std::size_t Unit = 16>
using outside = rt_heap<Fit, headers::outside, Unit>;

template <class Heap>
struct own_memory {
    std::vector<std::byte> memory, table;
    Heap heap;
    explicit own_memory(std::size_t bytes) : memory(bytes), table(table_size(bytes)), heap(make()) {}

private:
    static std::size_t table_size(std::size_t bytes) {
        if constexpr (Heap::is_outside) return Heap::table_bytes(bytes);
        return 0;
    }
    Heap make() {
        const block all{memory.data(), memory.size()};
        if constexpr (Heap::is_outside) return Heap(all, block{table.data(), table.size()});
        else return Heap(all);
    }
};

}  // namespace

TEMPLATE_TEST_CASE("rt_heap: serves random traces and is one free block again afterwards", "[realtime][rt_heap]", inside<tlsf>,
                   inside<half_fit>, outside<tlsf>, (outside<half_fit, 64>)) {
    own_memory<TestType> own(1 << 20);
    support::random_trace trace(own.heap, 7, {.steps = 3000, .largest = 4000, .align_exponents = 9});
    std::size_t step = 0;
    CHECK(trace.run([&] {
        if (++step % 64 == 0) REQUIRE(own.heap.consistent());
    }) == 0);
    CHECK(own.heap.peak_units() > own.heap.live_units());
    trace.free_all();
    CHECK(own.heap.consistent());
    CHECK(own.heap.live_units() == 0);
    std::size_t ranges = 0;
    own.heap.for_each_free([&](block) { ++ranges; });
    CHECK(ranges == 1);
}

TEST_CASE("rt_heap: with its headers outside never reads or writes the memory", "[realtime][rt_heap]") {
    using heap = outside<tlsf, 64>;
    std::vector<std::byte> table(heap::table_bytes(1 << 16));
    auto* const nowhere = reinterpret_cast<std::byte*>(std::uintptr_t{1} << 40);  // not mapped: a device, another machine
    heap far({nowhere, 1 << 16}, {table.data(), table.size()});
    const auto l = *layout::make(100, 64);
    const auto first = far.allocate(l), second = far.allocate(*layout::make(4096, 4096)), third = far.allocate(l);
    REQUIRE((first && second && third));
    CHECK(first->data == nowhere);
    CHECK(is_aligned(second->data, 4096));
    CHECK(third->data == nowhere + 128);
    far.deallocate(first->data, l);
    far.deallocate(third->data, l);
    CHECK(far.consistent());
    far.deallocate(second->data, *layout::make(4096, 4096));
    CHECK(far.live_units() == 0);
    CHECK(far.available(*layout::make((1 << 16) - 64 * 32, 64)));
}

TEST_CASE("rt_heap: reallocation keeps the alignment and the bytes", "[realtime][rt_heap]") {
    own_memory<inside<tlsf>> own(1 << 16);
    const auto small = *layout::make(64, 256), between = *layout::make(16, 8), large = *layout::make(5000, 256);
    const auto first = own.heap.allocate(small), blocked = own.heap.allocate(between);
    REQUIRE((first && blocked));
    std::memset(first->data, 7, 64);
    const auto moved = reallocate(own.heap, first->data, small, large, 64);
    REQUIRE(moved);
    CHECK(is_aligned(moved->data, 256));
    CHECK((moved->data[0] == std::byte{7} && moved->data[63] == std::byte{7}));
    own.heap.deallocate(moved->data, large);
    own.heap.deallocate(blocked->data, between);
    CHECK(own.heap.consistent());
    CHECK(own.heap.live_units() == 0);
}

TEST_CASE("rt_heap: what is no live block is not freed", "[realtime][rt_heap]") {
    own_memory<outside<half_fit>> own(1 << 14);
    auto& heap = own.heap;
    const auto l = *layout::make(100, 16);
    const auto a = heap.allocate(l), b = heap.allocate(l);
    REQUIRE((a && b));
    heap.deallocate(a->data, l);
    CHECK_FALSE(support::broken_contract([&] { heap.deallocate(a->data, l); }).empty());
    CHECK_FALSE(support::broken_contract([&] { heap.deallocate(b->data + 16, l); }).empty());
    CHECK_FALSE(support::broken_contract([&] { heap.deallocate(b->data, *layout::make(300, 16)); }).empty());
    CHECK_FALSE(support::broken_contract([&] { heap.deallocate(own.table.data(), l); }).empty());
    CHECK(heap.consistent());
    heap.deallocate(b->data, l);
    CHECK(heap.live_units() == 0);
}

TEST_CASE("rt_heap: memory that is too small, and requests that are too large, are refused", "[realtime][rt_heap]") {
    std::byte little[40];
    inside<tlsf> none({little, sizeof little});
    CHECK(none.capacity_units() == 0);
    CHECK_FALSE(none.allocate(*layout::make(1, 1)));
    CHECK(none.consistent());
    own_memory<inside<half_fit>> own(1 << 12);
    for (const auto& [size, align] : {std::pair{layout::max_size, std::size_t{1}}, {std::size_t{1} << 62, std::size_t{1} << 61},
                                      {std::size_t{1}, std::size_t{1} << 62}, {std::size_t{3000}, std::size_t{8}}}) {
        CHECK_FALSE(own.heap.allocate(*layout::make(size, align)));
    }
    CHECK(own.heap.refusals() == 4);
    CHECK(own.heap.consistent());
}

namespace {

/// Whole units with the header, at an alignment above 16 so many more that an aligned run is among them; then rounded to a
/// 32nd of the power of two below (tlsf), or before that to a power of two (half_fit).
template <bool Powers>
auto serves_with_header(std::size_t header) {
    return testing::serves([header](const auto&, block run, layout l) {
        if (l.size() > run.size || l.align() > run.size) return false;
        std::size_t units = (l.size() + header + 15) / 16, whole = 1, step = 1;
        while (Powers && whole < units) whole *= 2;
        if (Powers) units = whole;
        if (l.align() > 16) units += l.align() / 16 - 1;
        while (Powers && whole < units) whole *= 2;
        while (units / 64 >= step) step *= 2;
        return (Powers ? whole : (units + step - 1) / step * step) <= run.size / 16;
    });
}

}  // namespace

ASHLAR_ENROL("rt_heap<tlsf>", [](testing::ground& g) { return inside<tlsf>(g.buffer(16384, 8)); }, serves_with_header<false>(8));
ASHLAR_ENROL("rt_heap<half_fit, outside>", [](testing::ground& g) {
    const block memory = g.buffer(16384, 1);
    return outside<half_fit>(memory, g.buffer(outside<half_fit>::table_bytes(16384), 1));
}, serves_with_header<true>(0));
