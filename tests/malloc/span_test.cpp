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
    CHECK_FALSE(s.has_free());
}
