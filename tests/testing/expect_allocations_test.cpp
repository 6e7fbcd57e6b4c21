#define ASHLAR_DEFINE_COUNTING_NEW
#include "ashlar/testing/expect_allocations.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ashlar/compose/tracked.hpp"
#include "ashlar/testing/attempt.hpp"
#include "ashlar/testing/ground.hpp"

using namespace ashlar;

namespace {
std::optional<testing::allocation_surprise> surprise;
/// The compiler may leave out what nobody can see.
void see(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

struct remembers {  // what a test framework would hook in
    testing::allocation_handler before = testing::set_allocation_handler([](const auto& s) { surprise = s; });
    remembers() { surprise.reset(); }
    ~remembers() { testing::set_allocation_handler(before); }
};
}  // namespace

TEST_CASE("expect_allocations: a scope that allocates as often as expected says nothing", "[testing][expect_allocations]") {
    const remembers handler;
    std::vector<int> numbers;
    ASHLAR_EXPECT_ALLOCATIONS(1) { numbers.reserve(100); }
    ASHLAR_EXPECT_ALLOCATIONS(0) {
        for (int i = 0; i < 100; ++i) numbers.push_back(i);
    }
    struct alignas(64) wide {
        char bytes[64];
    };
    ASHLAR_EXPECT_ALLOCATIONS(2) {
        const auto one = std::make_unique<wide>();
        const std::unique_ptr<int[]> many(new int[5]);
        see(many.get());
        see(one.get());
        CHECK(reinterpret_cast<std::uintptr_t>(one.get()) % 64 == 0);
    }
    CHECK_FALSE(surprise.has_value());
}

TEST_CASE("expect_allocations: another number is told with the place of the scope", "[testing][expect_allocations]") {
    const remembers handler;
    const std::string text(100, 'x');
    ASHLAR_EXPECT_ALLOCATIONS(0) { see(std::string(text).data()); }
    const std::uint32_t line = __LINE__ - 1;
    REQUIRE(surprise.has_value());
    CHECK((surprise->expected == 0 && surprise->counted == 1));
    CHECK((surprise->line == line && std::string(surprise->file).find("expect_allocations_test") != std::string::npos));
}

TEST_CASE("expect_allocations: without a handler it is a broken contract", "[testing][expect_allocations]") {
    const auto seen = testing::attempt([] { ASHLAR_EXPECT_ALLOCATIONS(3) {} });
    REQUIRE(seen);
    CHECK(std::string(seen->condition) == "expected 3 allocations, counted 0");
}

TEST_CASE("expect_allocations: counts those of one tracked allocator", "[testing][expect_allocations]") {
    const remembers handler;
    testing::ground g;
    tracked<testing::ground::upstream_type, total_blocks> heap(g.upstream());
    const layout l = layout::of<long>();
    ASHLAR_EXPECT_ALLOCATIONS_OF(heap, 1) {
        const auto b = heap.allocate(l);
        if (b) heap.deallocate(b->data, l);
    }
    CHECK_FALSE(surprise.has_value());
    ASHLAR_EXPECT_ALLOCATIONS_OF(heap, 1) {}
    CHECK((surprise && surprise->counted == 0));
}
