#include "ashlar/strategy/stack.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <optional>

#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"
#include "support/serves.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {
struct odd_buffer {
    alignas(64) std::array<std::byte, 4113> bytes;
    block range() { return {bytes.data() + 1, 4112}; }
};
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
}  // namespace

TEST_CASE("stack: the limit is looked at before anything moves", "[strategy][stack]") {
    odd_buffer buffer;
    stack s(buffer.range());
    CHECK(s.capacity() == 4096);
    REQUIRE(s.allocate(of(4000)));
    CHECK_FALSE(s.available(of(97)));
    CHECK_FALSE(s.allocate(of(97)));
    CHECK_FALSE(s.allocate(of(layout::max_size)));
    CHECK_FALSE(s.allocate(of(1, std::size_t{1} << 62)));
    CHECK(s.room() == 96);
    CHECK(s.allocate(of(96)));
    CHECK(s.room() == 0);
}

TEST_CASE("stack: a frame's end gives back what was granted in it, frame within frame", "[strategy][stack]") {
    odd_buffer buffer;
    stack s(buffer.range());
    REQUIRE(s.allocate(of(100)));
    {
        const stack::frame outer(s);
        REQUIRE(s.allocate(of(200)));
        {
            const stack::frame inner(s);
            REQUIRE(s.allocate(of(300, 128)));
            CHECK(s.frames() == 2);
            CHECK(inner.used() >= 304);
            CHECK(outer.used() >= inner.used() + 208);
        }
        CHECK(outer.used() == 208);
        const stack::frame again(s);
        CHECK(again.used() == 0);
        CHECK(s.consistent());
    }
    CHECK(s.frames() == 0);
    CHECK(s.room() == 4096 - 112);
}

TEST_CASE("stack: blocks go newest first, each with its padding", "[strategy][stack]") {
    odd_buffer buffer;
    stack s(buffer.range());
    const auto a = *s.allocate(of(10)), b = *s.allocate(of(10, 256)), c = *s.allocate(of(10, 64));
    s.deallocate(c.data, of(10, 64));
    CHECK(s.allocate(of(16))->data == b.end());
    s.deallocate(b.end(), of(16));
    s.deallocate(b.data, of(10, 256));
    s.deallocate(a.data, of(10));
    CHECK(s.room() == s.capacity());
}

TEST_CASE("stack: a release out of order is reported, and nothing has moved", "[strategy][stack]") {
    odd_buffer buffer;
    stack s(buffer.range());
    const auto a = *s.allocate(of(100)), b = *s.allocate(of(100));
    const auto room = s.room();
    const auto reports = [&](std::byte* p, layout l) {
        const bool reported = !broken_contract([&] { s.deallocate(p, l); }).empty();
        return reported && s.room() == room && s.consistent();
    };
    CHECK(reports(a.data, of(100)));        // not the newest
    CHECK(reports(b.data, of(50)));         // another size
    CHECK(reports(b.data + 16, of(80)));    // within the block
    CHECK(reports(b.data, of(200)));        // too long
    CHECK(reports(b.end(), of(16)));        // free
    CHECK(reports(buffer.bytes.data(), of(1)));
    CHECK(reports(nullptr, of(1)));
    CHECK(reports(b.data, of(0)));
    CHECK_FALSE(s.owns(nullptr));
    s.deallocate(b.data, of(100));
    CHECK_FALSE(broken_contract([&] { s.deallocate(b.data, of(100)); }).empty());  // twice
    s.deallocate(a.data, of(100));
}

TEST_CASE("stack: a block of an outer frame, and a frame that is not the innermost, cannot go", "[strategy][stack]") {
    odd_buffer buffer;
    stack s(buffer.range());
    std::optional<stack::frame> outer(std::in_place, s);
    const auto a = *s.allocate(of(100));
    const auto early = s.mark();
    static_cast<void>(s.allocate(of(100)));
    s.rewind(early);
    std::optional<stack::frame> inner(std::in_place, s);
    const auto before = s.room();
    CHECK_FALSE(broken_contract([&] { s.deallocate(a.data, of(100)); }).empty());
    CHECK_FALSE(broken_contract([&] { s.reset(); }).empty());
    CHECK(s.frames() == 2);
    CHECK(s.room() == before);
    alignas(stack::frame) std::byte place[sizeof(stack::frame)];
    REQUIRE(s.allocate(of(16)));
    auto* const third = ::new (place) stack::frame(s);
    REQUIRE(s.allocate(of(16)));
    CHECK_FALSE(broken_contract([&] { s.rewind(early); }).empty());  // made in an outer frame
    CHECK_FALSE(broken_contract([&] { inner->~frame(); }).empty());
    CHECK(s.frames() == 3);
    third->~frame();
    inner.reset();
    s.deallocate(a.data, of(100));
    outer.reset();
    CHECK(s.room() == s.capacity());
}

TEST_CASE("stack: the newest block is resized where it stands, no other", "[strategy][stack]") {
    odd_buffer buffer;
    stack s(buffer.range());
    const auto a = *s.allocate(of(100)), b = *s.allocate(of(100));
    CHECK_FALSE(s.grow_in_place(a.data, of(100), of(113)));
    CHECK_FALSE(s.shrink_in_place(a.data, of(100), of(90)));
    CHECK(s.shrink_in_place(a.data, of(100), of(97))->size == 112);
    CHECK(s.grow_in_place(b.data, of(100), of(4096 - 112))->size == 4096 - 112);
    CHECK_FALSE(s.grow_in_place(b.data, of(4096 - 112), of(4096)));
    CHECK(s.shrink_in_place(b.data, of(4096 - 112), of(1))->size == 16);
    CHECK(s.room() == 4096 - 128);
}

TEST_CASE("stack: the newest block is reallocated where it stands, to any alignment", "[strategy][stack]") {
    odd_buffer buffer;
    stack s(buffer.range());
    const auto a = *s.allocate(of(16));
    auto b = *s.allocate(of(300));
    layout l = of(300);
    for (std::size_t i = 0; i < 300; ++i) b.data[i] = static_cast<std::byte>(i * 7);
    for (const layout now : {of(300, 256), of(400, 64), of(300, 1), of(2000, 512), of(300, 32)}) {
        b = *s.reallocate(b.data, l, now, 300);
        l = now;
        REQUIRE(is_aligned(b.data, now.align()));
        std::size_t kept = 0;
        while (kept < 300 && b.data[kept] == static_cast<std::byte>(kept * 7)) ++kept;
        REQUIRE(kept == 300);
    }
    CHECK_FALSE(s.reallocate(b.data, l, of(5000), 300));
    CHECK_FALSE(s.reallocate(a.data, of(16), of(32), 16));  // not the newest
    s.deallocate(b.data, l);
    CHECK(s.room() == 4096 - 16);
}

ASHLAR_ENROL("stack", [](testing::ground& g) { return stack(g.buffer(16384, 1)); }, testing::last_in_first_out(),
             tests::serves_bumped());
