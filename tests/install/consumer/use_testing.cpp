// What the user's own tests take: a scope that allocates just so often, and the laws for an allocator of their own.
#define ASHLAR_DEFINE_COUNTING_NEW
#include <ashlar/testing/conforms.hpp>
#include <ashlar/testing/expect_allocations.hpp>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {
int surprises = 0;

/// Aligns what it has used up, not the address: right only as long as the buffer happens to be aligned enough.
struct wrong_bump {
    std::byte* begin;
    std::size_t size;
    std::size_t used = 0;

    ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {
        const std::size_t at = (used + l.align() - 1) & ~(l.align() - 1);
        if (at > size || l.size() > size - at) return ashlar::alloc_error{};
        used = at + l.size();
        return ashlar::block{begin + at, l.size()};
    }
    void deallocate(std::byte*, ashlar::layout) noexcept {}
};
}  // namespace

int main() {
    ashlar::testing::set_allocation_handler([](const ashlar::testing::allocation_surprise& s) {
        std::printf("%s:%u: expected %zu allocations, counted %zu\n", s.file, s.line, s.expected, s.counted);
        ++surprises;
    });
    std::vector<int> numbers;
    ASHLAR_EXPECT_ALLOCATIONS(1) { numbers.reserve(2); }
    ASHLAR_EXPECT_ALLOCATIONS(0) { numbers.assign(3, 7); }  // one more than there is room for
    if (surprises != 1) return 1;

    const auto kept = ashlar::testing::conforms("wrong_bump", [](ashlar::testing::ground& g) {
        const ashlar::block room = g.buffer(4096, 16);
        return wrong_bump{room.data, room.size};
    });
    std::puts(kept.text().c_str());
    return std::strstr(kept.text().c_str(), "a grant is aligned") != nullptr ? 0 : 2;
}
