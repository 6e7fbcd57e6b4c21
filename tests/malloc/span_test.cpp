#include <catch2/catch.hpp>

#include "ashlar/foundation/size_class.hpp"
#include "ashlar/malloc/span.hpp"

using namespace ashlar;
using namespace ashlar::malloc;

TEST_CASE("span: the magic tells multiples from other offsets in a slice, for every small class", "[malloc][span]") {
    for (std::size_t c = 0; c < size_class_count; ++c) {
        const auto size = static_cast<std::uint32_t>(size_of_class(c));
        if (size > 8192) break;
        const std::uint32_t magic = divisor_magic(size);
        for (std::uint32_t offset = 0; offset < 65536; ++offset) {
            if ((offset * magic < magic) != (offset % size == 0)) FAIL(size << " at " << offset);  // span.I3
        }
    }
}

TEST_CASE("span: it serves its owner, at the starts of blocks, while it is open", "[malloc][span]") {
    constexpr std::uint32_t mine = first_heap_id, other = first_heap_id + 2;
    for (const std::uint32_t size : {16u, 48u, 112u, 1024u, 7168u, 8192u}) {
        span<> s;
        s.magic = divisor_magic(size);
        s.open(mine);  // span.I3
        for (std::uint32_t offset = 0; offset < 65536; ++offset) {
            if (s.serves(mine, offset) != (offset % size == 0)) FAIL(size << " at " << offset);
            if (s.serves(other, offset) || s.serves(no_heap_id, offset)) FAIL("serves a stranger at " << offset);
        }
        s.close(mine);
        for (std::uint32_t offset = 0; offset < 65536; offset += 16) {
            if (s.serves(mine, offset)) FAIL("closed, and serves " << offset);
        }
    }
    const span<> none;
    CHECK_FALSE(none.serves(no_heap_id, 0));
    CHECK_FALSE(none.serves(mine, 0));
}

TEST_CASE("span: a record is two cache lines", "[malloc][span]") {
    STATIC_REQUIRE(sizeof(span<>) == 128);
    STATIC_REQUIRE(alignof(span<>) == 64);
}

TEST_CASE("span: a list keeps its order when a member in the middle leaves", "[malloc][span]") {
    span<> a, b, c;
    span_list<span<>> list;
    list.push_front(&a);
    list.push_second(&b);
    list.push_second(&c);  // a c b
    CHECK(list.front() == &a);
    CHECK(a.next == &c);
    CHECK(c.next == &b);
    list.remove(&c);
    CHECK(a.next == &b);
    CHECK(b.previous == &a);
    list.remove(&a);
    CHECK(list.front() == &b);
    list.remove(&b);
    CHECK(list.front() == nullptr);
}

TEST_CASE("span: blocks out are what is counted down and what is held back", "[malloc][span]") {
    span<> s;
    s.capacity = 10;
    s.set_carved(10);
    s.countdown = 2;
    s.held = 8;
    CHECK(s.used() == 10);  // span.I1; held is not 0 only for a full one (span.I2)
    CHECK_FALSE(s.extendable());
    s.free = span<>::node::encoded(nullptr, 42);
    CHECK_FALSE(s.has_free(42));
}

TEST_CASE("span: a block's address in four bytes leads back to it, and none is 0", "[malloc][span]") {
    alignas(16) std::byte memory[4096];
    span<> s;
    s.start = memory;
    CHECK(s.place_of(nullptr) == 0);
    CHECK(s.at_place(0) == nullptr);
    for (std::size_t at = 0; at < sizeof memory; at += 16) {
        auto* const block = reinterpret_cast<span<>::node*>(memory + at);
        REQUIRE(s.place_of(block) == at / 16 + 1);
        REQUIRE(s.at_place(s.place_of(block)) == block);
    }
}

TEST_CASE("span: what was never carved reads as zero where nothing was touched, and of one slice behind what was", "[malloc][span]") {
    span<> s;
    s.slices = 1;
    CHECK(s.reads_as_zero(0));
    s.touched = 4096;
    CHECK((!s.reads_as_zero(4080) && s.reads_as_zero(4096)));
    s.slices = 2;
    CHECK_FALSE(s.reads_as_zero(4096));
    s.touched = 0;
    CHECK(s.reads_as_zero(0));
}
