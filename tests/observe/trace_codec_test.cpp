#include "ashlar/observe/trace_codec.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "trace_support.hpp"

using namespace ashlar;

namespace {

using buffer = std::array<std::byte, trace_format::record_limit>;

bool same(const event& a, event b, std::uint32_t thread) {
    b.thread = thread;
    b.time_ns = a.time_ns;
    return a == b;
}

std::size_t encoded(record_encoder& encoder, const event& e, record_time when, buffer& out) {
    out = {};
    return static_cast<std::size_t>(encoder.encode(out.data(), e, when) - out.data());
}

}  // namespace

TEST_CASE("trace_codec: decoding what was encoded gives the same events and times", "[observe][trace_codec]") {
    CHECK(rc::check([](std::uint64_t seed) {
        const trace_support::history h(seed, 1, 300);
        record_encoder encoder;
        record_decoder decoder;
        encoder.restart(0);
        decoder.restart(0);
        std::uint64_t last = 0;
        for (const event& e : h.events) {
            if (e.kind == event_kind::thread_begin) continue;
            const record_time when{moves(e.kind) ? last + (e.time_ns - last) / 2 : e.time_ns, e.time_ns};
            last = e.time_ns;
            buffer bytes;
            const std::size_t n = encoded(encoder, e, when, bytes);
            RC_ASSERT(n <= trace_format::record_limit);  // trace_codec.I2
            RC_ASSERT(bytes[0] != std::byte{0});
            event back;
            record_time told{};
            RC_ASSERT(decoder.decode(bytes.data(), bytes.data() + n, back, told) == bytes.data() + n);
            RC_ASSERT(same(e, back, e.thread));  // which also needs trace_codec.I1
            RC_ASSERT(told.begin == when.begin);
            RC_ASSERT(told.end == when.end);
        }
    }));
}

TEST_CASE("trace_codec: a record that is cut anywhere is no record", "[observe][trace_codec]") {
    CHECK(rc::check([](std::uint64_t seed) {
        const trace_support::history h(seed, 1, 100);
        record_encoder encoder;
        record_decoder decoder;
        encoder.restart(0);
        decoder.restart(0);
        for (const event& e : h.events) {
            if (e.kind == event_kind::thread_begin) continue;
            buffer bytes;
            const std::size_t n = encoded(encoder, e, {e.time_ns, e.time_ns}, bytes);
            event back;
            record_time told{};
            for (std::size_t cut = 0; cut < n; ++cut) {
                record_decoder probe = decoder;
                RC_ASSERT(probe.decode(bytes.data(), bytes.data() + cut, back, told) == nullptr);
            }
            decoder.decode(bytes.data(), bytes.data() + n, back, told);
        }
    }));
}

TEST_CASE("trace_codec: a mapping tells where, how much and how, and cut anywhere it is no record", "[observe][trace_codec]") {
    for (const bool stacks : {false, true}) {
        record_encoder encoder;
        record_decoder decoder;
        encoder.restart(0, stacks);
        decoder.restart(0, stacks);
        for (const event& e : {event{.address = ~std::uint64_t{0}, .size = ~std::uint64_t{0}, .alignment = 63, .kind = event_kind::map},
                               event{.address = 0x7000, .size = 1, .kind = event_kind::unmap}, event{.kind = event_kind::load}, event{.kind = event_kind::unload}}) {
            buffer bytes;
            const std::size_t n = encoded(encoder, e, {5, 5}, bytes);
            REQUIRE(n <= trace_format::record_limit);  // trace_codec.I2
            event back;
            record_time told{};
            for (std::size_t cut = 0; cut < n; ++cut) {
                record_decoder probe = decoder;
                REQUIRE(probe.decode(bytes.data(), bytes.data() + cut, back, told) == nullptr);
            }
            REQUIRE(decoder.decode(bytes.data(), bytes.data() + n, back, told) == bytes.data() + n);
            CHECK((same(e, back, e.thread) && told.end == 5));
        }
    }
}

TEST_CASE("trace_codec: a temporary block costs four bytes to get and three to give back", "[observe][trace_codec]") {
    record_encoder encoder;
    encoder.restart(0);
    buffer bytes;
    event request{.address = 0x5000, .size = 100, .kind = event_kind::malloc};
    event release{.address = 0x5000, .kind = event_kind::free};
    encoded(encoder, request, {1, 1}, bytes);
    CHECK(encoded(encoder, release, {20, 20}, bytes) == 3);  // tag, time, slot
    CHECK(encoded(encoder, request, {40, 40}, bytes) == 3);  // the same address and size again
    request.size = 101;
    CHECK(encoded(encoder, request, {60, 60}, bytes) == 4);
}

TEST_CASE("trace_codec: the largest event fits in the record limit", "[observe][trace_codec]") {
    record_encoder encoder;
    encoder.restart(0);
    buffer bytes;
    constexpr std::uint64_t most = ~std::uint64_t{0};
    const event move{.address = most / 2 + 3, .size = most, .old_address = most - 1, .kind = event_kind::realloc};
    CHECK(encoded(encoder, move, {most / 2, most}, bytes) <= trace_format::record_limit);
    encoder.restart(0);
    const event aligned{.address = most / 2 + 3, .size = most, .alignment = most, .kind = event_kind::memalign};
    CHECK(encoded(encoder, aligned, {most, most}, bytes) <= trace_format::record_limit);
}

TEST_CASE("trace_codec: time that goes back is told as standing still", "[observe][trace_codec]") {
    record_encoder encoder;
    record_decoder decoder;
    encoder.restart(100);
    decoder.restart(100);
    buffer bytes;
    const std::size_t n = encoded(encoder, {.address = 16, .size = 1, .kind = event_kind::malloc}, {90, 90}, bytes);
    event back;
    record_time told{};
    REQUIRE(decoder.decode(bytes.data(), bytes.data() + n, back, told) != nullptr);
    CHECK(told.begin == 100);
}

TEST_CASE("trace_codec: bytes that no encoder writes are refused", "[observe][trace_codec]") {
    const auto refuses = [](std::initializer_list<int> bytes) {
        std::vector<std::byte> v;
        for (const int b : bytes) v.push_back(static_cast<std::byte>(b));
        record_decoder decoder;
        decoder.restart(0);
        event e;
        record_time when{};
        return decoder.decode(v.data(), v.data() + v.size(), e, when) == nullptr;
    };
    CHECK(refuses({}));
    CHECK(refuses({31, 0, 0, 0}));              // a kind that is none
    CHECK(refuses({48, 0}));                    // thread_begin is never stored
    CHECK(refuses({1 | 0x40, 0, 5, 0}));        // a slot that holds nothing
    CHECK(refuses({1 | 0x40, 0, 200, 0}));      // a slot that is none
    CHECK(refuses({1 | 0x80, 0, 0}));           // same size without a slot
    CHECK(refuses({49 | 0x40, 0}));             // a slot where there is no address
    CHECK(refuses({60, 32, 0, 0}));             // a refused release
    CHECK(refuses({60, 60, 0, 0}));             // a prefix of a prefix
    CHECK(refuses({61, 0, 1, 0, 0, 0}));        // low bits that need no prefix
    CHECK(refuses({61, 16, 1, 0, 0, 0}));       // low bits that are none
    CHECK(refuses({61, 3, 49, 0}));             // low bits of nothing
    CHECK(refuses({1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2}));  // more than 64 bits
    CHECK(refuses({1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}));
    CHECK_FALSE(refuses({1, 0, 2, 5}));
}
