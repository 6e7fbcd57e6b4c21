#include "ashlar/strategy/free_list.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/first_fit.hpp"
#include "ashlar/strategy/next_fit.hpp"
#include "support/broken_contract.hpp"
#include "support/random_trace.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {

layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }

/// A heap that cannot expand beyond a buffer.
template <class Fit>
struct bounded {
    explicit bounded(std::size_t size, std::size_t region = 4096)
        : bytes(size), buffer(block{bytes.data(), size}), heap(buffer, region) {}
    std::vector<std::byte> bytes;
    bump buffer;
    free_list<Fit, bump> heap;
};

/// C4 from scratch: some free block holds an aligned run, with a front that can stand as a block.
template <class Heap>
bool some_block_fits(const Heap& heap, layout l, std::size_t least) {
    const std::size_t align = l.align() > 16 ? l.align() : 16;
    std::size_t need = (l.size() + 15) / 16 * 16;
    if (need < least) need = least;
    bool fits = false;
    heap.for_each_free([&](block b) {
        for (auto* p = b.data; p + need <= b.end() && !fits; p += 16) {
            const auto front = static_cast<std::size_t>(p - b.data);
            fits = reinterpret_cast<std::uintptr_t>(p) % align == 0 && (front == 0 || front >= least);
        }
    });
    return fits;
}

}  // namespace

TEMPLATE_TEST_CASE("free_list: serves random traces from pages, and gives every page back",
                   "[strategy][free_list]", first_fit, next_fit, best_fit) {
    for (const std::size_t unit : {std::size_t{0}, std::size_t{65536}}) {
        os::failing_pages<> pages(unit);
        {
            page upstream{ref(pages)};
            free_list<TestType, page<os::failing_pages<>>> heap(upstream, 1 << 16);
            support::random_trace trace(heap, 3, {.steps = 3000, .largest = 20'000, .align_exponents = 13});
            std::size_t step = 0;
            CHECK(trace.run([&] {
                if (++step % 16 == 0) REQUIRE(heap.consistent());
            }) == 0);
            trace.free_all();
            CHECK(heap.consistent());
            CHECK(support::free_ranges(heap).size() == 1);  // the kept region
            heap.trim();
            CHECK(heap.consistent());
            CHECK(heap.managed_bytes() == 0);
            CHECK(heap.managed_bytes() == pages.reserved_bytes());
        }
        CHECK(pages.balanced());
    }
}

TEMPLATE_TEST_CASE("free_list: in a bounded heap available foretells every grant and refusal",
                   "[strategy][free_list]", first_fit, next_fit, best_fit) {
    for (unsigned seed = 0; seed < 8; ++seed) {
        bounded<TestType> b(20'000);
        support::random_trace trace(b.heap, seed, {.steps = 1500, .largest = 1500, .free_percent = 40});
        CHECK(trace.run([&] { REQUIRE(b.heap.consistent()); }) > 0);
        trace.free_all();
        CHECK(b.heap.consistent());
    }
}

TEMPLATE_TEST_CASE("free_list: refuses exactly when no free block has room for an aligned run",
                   "[strategy][free_list]", first_fit, next_fit, best_fit) {
    constexpr std::size_t least = std::is_same_v<TestType, best_fit> ? 16 : 48;
    for (unsigned seed = 0; seed < 8; ++seed) {
        bounded<TestType> b(16'384, 16'320);
        b.heap.deallocate(b.heap.allocate(of(1))->data, of(1));  // one region, and too little left for a second
        support::random_trace trace(b.heap, seed, {.steps = 300, .largest = 700, .free_percent = 35});
        trace.run();
        for (std::size_t align = 1; align <= 2048; align *= 2) {
            for (std::size_t size = 1; size < 4000; size += 37) {
                CAPTURE(size, align, b.heap.managed_bytes(), b.buffer.room());
                REQUIRE(b.heap.available(of(size, align)) == some_block_fits(b.heap, of(size, align), least));
            }
        }
    }
}

TEMPLATE_TEST_CASE("free_list: freeing restores the free blocks exactly", "[strategy][free_list]", first_fit,
                   next_fit, best_fit) {
    bounded<TestType> b(60'000, 50'000);
    support::random_trace trace(b.heap, 11, {.steps = 200, .largest = 900});
    trace.run();
    const auto before = support::free_ranges(b.heap);
    for (std::size_t align = 1; align <= 4096; align *= 2) {
        for (const std::size_t size : {1u, 24u, 25u, 100u, 1000u}) {
            const auto granted = b.heap.allocate(of(size, align));
            if (!granted) continue;
            b.heap.deallocate(granted->data, of(size, align));
            REQUIRE(support::free_ranges(b.heap) == before);
        }
    }
    trace.free_all();
    CHECK(support::free_ranges(b.heap).size() == 1);
}

TEMPLATE_TEST_CASE("free_list: a refused request changes nothing, whichever call of the pages fails",
                   "[strategy][free_list]", first_fit, next_fit, best_fit) {
    os::failing_pages<> pages;
    {
        page upstream{ref(pages)};
        free_list<TestType, page<os::failing_pages<>>> heap(upstream, 1 << 16);
        const auto held = *heap.allocate(of(1000));
        const auto before = support::free_ranges(heap);
        for (std::size_t n = 1; n <= 4; ++n) {
            pages.fail(n);
            const auto granted = heap.allocate(of(200'000));
            pages.heal();
            if (granted) heap.deallocate(granted->data, of(200'000));
            REQUIRE(support::free_ranges(heap) == before);
            REQUIRE(heap.consistent());
        }
        // Refused once: the least region that does is tried after the usual one.
        std::vector<block> blocks;
        while (heap.managed_bytes() == 1 << 16) {
            pages.fail(1);
            blocks.push_back(*heap.allocate(of(9000)));
        }
        CHECK(heap.managed_bytes() <= (1 << 16) + 12 * 1024);
        pages.heal();
        for (const auto& x : blocks) heap.deallocate(x.data, of(9000));
        heap.deallocate(held.data, of(1000));
    }
    CHECK(pages.balanced());
}

TEMPLATE_TEST_CASE("free_list: a live block costs nothing but its size rounded up to 16", "[strategy][free_list]",
                   first_fit, next_fit, best_fit) {
    bounded<TestType> b(100'000, 90'000);
    const auto first = *b.heap.allocate(of(1000, 16));
    const auto second = *b.heap.allocate(of(1000, 16));
    CHECK(second.data - first.data == 1008);
    CHECK(first.size == 1008);
}

TEMPLATE_TEST_CASE("free_list: wholly free regions stay while they are one of the usual size, or a quarter of the others",
                   "[strategy][free_list]", first_fit, next_fit, best_fit) {
    bounded<TestType> b(400'000, 4096);
    const auto small = *b.heap.allocate(of(3000)), long_one = *b.heap.allocate(of(50'000));
    b.heap.deallocate(long_one.data, of(50'000));
    CHECK(b.heap.managed_bytes() == 4096);
    b.heap.deallocate(small.data, of(3000));
    CHECK(b.heap.managed_bytes() == 4096);
    const auto most = *b.heap.allocate(of(200'000)), some = *b.heap.allocate(of(40'000)), more = *b.heap.allocate(of(40'000));
    const std::size_t held = b.heap.managed_bytes();
    b.heap.deallocate(some.data, of(40'000));
    CHECK(b.heap.managed_bytes() == held);
    b.heap.deallocate(more.data, of(40'000));
    CHECK(b.heap.managed_bytes() < held - 40'000);
    CHECK(b.heap.consistent());
    b.heap.deallocate(most.data, of(200'000));
    CHECK(b.heap.managed_bytes() == 4096);
    CHECK(b.heap.consistent());
}

TEMPLATE_TEST_CASE("free_list: a block grows into a free neighbour and gives back what it no longer needs",
                   "[strategy][free_list]", first_fit, next_fit, best_fit) {
    bounded<TestType> b(60'000, 50'000);
    const auto x = *b.heap.allocate(of(100)), y = *b.heap.allocate(of(100)), z = *b.heap.allocate(of(100));
    CHECK_FALSE(b.heap.grow_in_place(x.data, of(100), of(200)));  // y is in the way
    b.heap.deallocate(y.data, of(100));
    const auto grown = b.heap.grow_in_place(x.data, of(100), of(200));
    REQUIRE(grown);
    CHECK(grown->data == x.data);
    CHECK(b.heap.consistent());
    CHECK_FALSE(b.heap.grow_in_place(x.data, of(200), of(300)));  // z is in the way
    const auto shrunk = b.heap.shrink_in_place(x.data, of(200), of(10));
    REQUIRE(shrunk);
    CHECK(shrunk->size < 60);
    CHECK(b.heap.consistent());
    const auto last = b.heap.grow_in_place(z.data, of(100), of(40'000));
    REQUIRE(last);
    CHECK(b.heap.consistent());
    b.heap.deallocate(x.data, of(10));
    b.heap.deallocate(z.data, of(40'000));
    CHECK(support::free_ranges(b.heap).size() == 1);
}

TEMPLATE_TEST_CASE("free_list: owns its regions and nothing else", "[strategy][free_list]", first_fit, next_fit,
                   best_fit) {
    bounded<TestType> b(60'000, 4096);
    CHECK_FALSE(b.heap.owns(b.bytes.data() + 100));
    std::vector<block> blocks;
    for (int i = 0; i < 8; ++i) blocks.push_back(*b.heap.allocate(of(3000)));
    for (const auto& x : blocks) CHECK((b.heap.owns(x.data) && b.heap.owns(x.end() - 1)));
    const std::byte other{};
    CHECK_FALSE(b.heap.owns(&other));
    CHECK_FALSE(b.heap.owns(b.bytes.data() + 59'999));
    b.heap.reset();
    CHECK_FALSE(b.heap.owns(blocks[0].data));
    CHECK(b.heap.managed_bytes() == 0);
}

TEMPLATE_TEST_CASE("free_list: impossible sizes and alignments are refused", "[strategy][free_list]", first_fit,
                   next_fit, best_fit) {
    bounded<TestType> b(60'000);
    for (const auto l : {of(layout::max_size), of(layout::max_size - 4095, 4096), of(1, std::size_t{1} << 62),
                         of(std::size_t{1} << 62, std::size_t{1} << 62), of(60'000)}) {
        CHECK_FALSE(b.heap.available(l));
        CHECK_FALSE(b.heap.allocate(l));
    }
    free_list<TestType> from_pages;
    CHECK_FALSE(from_pages.allocate(of(layout::max_size)));
}

TEMPLATE_TEST_CASE("free_list: freeing twice, or with a layout that does not fit, breaks the contract",
                   "[strategy][free_list]", first_fit, next_fit, best_fit) {
    bounded<TestType> b(60'000, 50'000);
    const auto x = *b.heap.allocate(of(100)), y = *b.heap.allocate(of(100)), z = *b.heap.allocate(of(100, 64));
    const auto refuses = [&](std::byte* p, layout l) {
        return !broken_contract([&] { b.heap.deallocate(p, l); }).empty();
    };
    CHECK(refuses(x.data, of(300)));
    CHECK(refuses(x.data, of(224)));  // as long as x and y together
    CHECK(refuses(x.data, of(20)));
    CHECK(refuses(x.data, of(100, 4096)));
    CHECK(refuses(x.data, of(0)));
    CHECK(refuses(z.data + 16, of(100)));
    CHECK(refuses(x.data + 8, of(100, 8)));
    CHECK(refuses(nullptr, of(100)));
    std::byte foreign[128];
    CHECK(refuses(foreign, of(100)));
    CHECK(refuses(b.bytes.data(), of(16)));  // the region's own
    b.heap.deallocate(x.data, of(100));
    CHECK(refuses(x.data, of(100)));
    b.heap.deallocate(y.data, of(100));  // merges with x: it begins no block any more
    CHECK(refuses(y.data, of(100)));
    CHECK(refuses(x.data, of(100)));
    CHECK_FALSE(broken_contract([&] { static_cast<void>(b.heap.allocate(of(0))); }).empty());
    CHECK(b.heap.consistent());
}
