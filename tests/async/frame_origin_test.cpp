// What stands before a frame: where it is, how large, and that its end is the allocator's own business.
#include <catch2/catch.hpp>
#include <cstring>

#include "ashlar/async/frame_origin.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/system.hpp"

using namespace ashlar;

namespace {
void give_back(void* frame, std::size_t size) {
    frame_header& h = frame_header::of(frame);
    h.origin->take_back(*h.origin, h, size);
}
}  // namespace

TEST_CASE("frame_origin: a frame lies in its allocator's memory, aligned, and gives back all that it took", "[async][frame_origin]") {
    alignas(16) static std::byte bytes[8192];
    bump b({bytes, sizeof bytes});
    for (const std::size_t size : {std::size_t{1}, std::size_t{16}, std::size_t{17}, std::size_t{4000}}) {
        void* const p = frame_from(b, size);
        REQUIRE(p != nullptr);
        CHECK(is_aligned(p, 16));
        CHECK(b.owns(static_cast<std::byte*>(p) + size - 1));
        std::memset(p, 3, size);
        give_back(p, size);
        CHECK(b.room() == b.capacity());
    }
    CHECK(frame_from(b, 9000) == nullptr);
    CHECK(b.room() == b.capacity());
}

TEST_CASE("frame_origin: an allocator without state costs a frame 32 bytes, one with state no more", "[async][frame_origin]") {
    CHECK(detail::frame_origin_of<ashlar::system>::units(64) * 16 == 64 + 32);
    CHECK(detail::frame_origin_of<bump>::units(64) * 16 == 64 + 32);
}
