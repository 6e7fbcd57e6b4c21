#include "ashlar/malloc/routes.hpp"

#include <catch2/catch.hpp>

#include <memory>

using namespace ashlar::malloc;

TEST_CASE("routes: a block of a chunk ends where the next one starts", "[malloc][routes]") {
    struct alignas(64) chunk { std::byte bytes[slice_size]; };
    const auto memory = std::make_unique<chunk>();
    std::memset(memory->bytes, 0xff, sizeof *memory);
    chunk_starts starts(memory->bytes);
    starts.clear();
    std::size_t at = chunk_starts::bytes;
    CHECK(starts.has(at));
    for (const std::size_t size : {16u, 1024u, 1040u, 2048u, 8192u, 32u}) {
        starts.set(at + size);
        CHECK(starts.size_at(at) == size);
        CHECK_FALSE(starts.has(at + 8));
        at += size;
    }
    CHECK(starts.next(at + 16) == slice_size);
    starts.set(chunk_starts::bytes + chunk_starts::room);  // the furthest that a cursor comes
    CHECK(starts.size_at(at) == chunk_starts::bytes + chunk_starts::room - at);
}
