#include "ashlar/observe/trace_reader.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <sys/stat.h>

#include "ashlar/observe/trace_format.hpp"
#include "support/sanitizer.hpp"
#include "trace_support.hpp"

using namespace ashlar;
using namespace trace_support;

namespace {

/// Reads to the end. @returns how many events came; checks trace_reader.I2 and that the end comes (trace_reader.I4).
std::size_t read_out(std::span<const std::byte> bytes) {
    trace_reader r = trace_reader::open(bytes);
    if (!r) {
        CHECK(!r.error().empty());
        CHECK(r.next() == nullptr);
        return 0;
    }
    std::size_t count = 0;
    std::uint64_t last = 0;
    while (const event* e = r.next()) {
        if (e->time_ns < last) FAIL("time went back");
        last = e->time_ns;
        // Each record takes three bytes or more; begins and the exec are made up for headers.
        if (++count > bytes.size()) FAIL("more events than bytes");
    }
    return count;
}

std::vector<char> sample_bytes(std::size_t events, std::uint32_t threads = 3) {
    const scratch_folder folder;
    return bytes_of(write_trace(folder, "t", history(11, threads, events).events));
}

template <class T>
void store(std::vector<char>& bytes, std::size_t offset, T value) {
    REQUIRE(offset + sizeof value <= bytes.size());
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

std::string error_of(const std::vector<char>& bytes) { return trace_reader::open(as_bytes(bytes)).error(); }

}  // namespace

TEST_CASE("trace_reader: what memory the process had is told apart from events, and by traces that say so only", "[observe][trace_reader]") {
    const scratch_folder folder;
    const event asked{.time_ns = 10, .address = 0x1000, .size = 8, .kind = event_kind::malloc};
    for (const bool tells : {true, false}) {
        const std::string path = folder / (tells ? "with" : "without");
        trace_writer to = trace_writer::create(path, {.command_line = {}, .executable = {}, .tells_memory = tells});
        CHECK(to.write(asked));
        CHECK(to.tell_memory(20, 5 << 20, 9 << 20) == tells);
        REQUIRE(to.close(30));
        trace_reader r = trace_reader::open(path);
        for (int again = 0; again < 2; ++again, r.rewind()) {
            std::size_t events = 0;
            while (const event* e = r.next()) events += e->kind != event_kind::thread_begin;
            CHECK(events == 1);
            REQUIRE(r.memory().size() == (tells ? 1U : 0U));
            if (tells) CHECK(r.memory()[0].resident == 5 << 20);
            if (tells) CHECK(r.memory()[0].committed == 9 << 20);
            if (tells) CHECK(r.memory()[0].time_ns == 20);
        }
    }
}

TEST_CASE("trace_reader: a trace that ends at any byte gives the events before it and says what is missing",
          "[observe][trace_reader]") {
    const std::vector<char> whole = sample_bytes(500, 2);
    const std::size_t all = read_out(as_bytes(whole));
    std::size_t most = 0;
    for (std::size_t size = 0; size < whole.size(); size += support::sanitized ? 5u : 1u) {
        const std::size_t got = read_out(as_bytes(whole).first(size));
        REQUIRE(got <= all);
        most = std::max(most, got);
    }
    CHECK(most == all);  // the last bytes are unused space
}

TEST_CASE("trace_reader: events of one thread before the cut are exactly those that were written",
          "[observe][trace_reader]") {
    const scratch_folder folder;
    const history h(5, 1, 600);
    const std::vector<char> whole = bytes_of(write_trace(folder, "t", h.events));
    for (std::size_t size = 4096 + 64; size < whole.size(); size += 7) {
        trace_reader r = trace_reader::open(as_bytes(whole).first(size));
        REQUIRE(r);
        const auto events = all_events(r);
        REQUIRE(std::equal(events.begin(), events.end(), h.events.begin()));  // trace_reader.I1
    }
}

TEST_CASE("trace_reader: a file that lost its end is noticed, also where the cut falls between two chunks",
          "[observe][trace_reader]") {
    const scratch_folder folder;
    const history h(6, 3, 20'000);
    const std::vector<char> whole = bytes_of(write_trace(folder, "t", h.events));
    REQUIRE(whole.size() > 20 * 4096);
    for (std::size_t size = 4096; size <= whole.size(); size += 4096) {
        trace_reader r = trace_reader::open(as_bytes(whole).first(size));
        REQUIRE(r);
        REQUIRE(r.health().missing_bytes == whole.size() - size);
    }
    SECTION("and nothing is said of a trace that does not tell its length") {
        std::vector<char> old = whole;
        store(old, offsetof(trace_format::file_header, given_bytes), std::uint64_t{0});
        CHECK(trace_reader::open(as_bytes(old).first(4096)).health().missing_bytes == 0);
    }
}

TEST_CASE("trace_reader: any flipped bits are survived", "[observe][trace_reader]") {
    std::vector<char> bytes = sample_bytes(120, 2);
    std::mt19937_64 random(1);
    std::vector<std::size_t> weak;  // where something stands: flips elsewhere say little
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] != 0) weak.push_back(i);
    }
    for (int round = 0; round < (support::sanitized ? 40'000 : 200'000); ++round) {
        std::vector<std::pair<std::size_t, char>> undo;
        for (auto flips = 1 + random() % 3; flips != 0; --flips) {
            const std::size_t at = random() % 4 == 0 ? random() % bytes.size() : weak[random() % weak.size()];
            undo.emplace_back(at, bytes[at]);
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        }
        read_out(as_bytes(bytes));
        for (; !undo.empty(); undo.pop_back()) bytes[undo.back().first] = undo.back().second;
    }
}

TEST_CASE("trace_reader: a flipped bit in a closed chunk leaves that chunk out and keeps the others",
          "[observe][trace_reader]") {
    const history h(9, 1, 20'000);
    const scratch_folder folder;
    std::vector<char> bytes = bytes_of(write_trace(folder, "t", h.events));
    const std::size_t second = 4096 + 4096;  // the first chunk is a page
    bytes[second + 1000] = static_cast<char>(bytes[second + 1000] ^ 4);
    trace_reader r = trace_reader::open(as_bytes(bytes));
    REQUIRE(r);
    const auto events = all_events(r);
    CHECK(r.health().damaged_chunks == 1);
    CHECK(events.size() < h.events.size());
    CHECK(events.size() > h.events.size() / 2);
    CHECK(events.back() == h.events.back());
    CHECK_THAT(describe(r.health()), Catch::Contains("1 chunk is damaged"));
}

TEST_CASE("trace_reader: a chunk whose header is gone is stepped over and missed", "[observe][trace_reader]") {
    const history h(9, 1, 20'000);
    const scratch_folder folder;
    std::vector<char> bytes = bytes_of(write_trace(folder, "t", h.events));
    store(bytes, 8192, std::uint32_t{0x12345678});
    trace_reader r = trace_reader::open(as_bytes(bytes));
    REQUIRE(r);
    CHECK(all_events(r).back() == h.events.back());
    CHECK(r.health().missing_chunks == 1);
    CHECK(r.health().skipped_bytes > 0);
}

TEST_CASE("trace_reader: what is no trace is refused with one sentence that names it", "[observe][trace_reader]") {
    const scratch_folder folder;
    CHECK_THAT(trace_reader::open(folder / "absent").error(), Catch::Contains("absent") && Catch::Contains("No such file"));
    CHECK_THAT(trace_reader::open(folder.path().string()).error(), Catch::Contains("Is a directory"));
    REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK_FALSE(trace_reader::open(folder / "pipe"));  // and does not wait for a writer
    std::ofstream(folder / "empty").flush();
    CHECK_THAT(trace_reader::open(folder / "empty").error(), Catch::Contains("is empty"));
    std::ofstream(folder / "text") << "hello, this is no trace at all, just some text that is long enough to be one";
    CHECK_THAT(trace_reader::open(folder / "text").error(), Catch::Contains("text is not a trace of Ashlar"));
    CHECK_THAT(error_of(std::vector<char>(8192)), Catch::Contains("has no header yet"));
    CHECK_THAT(error_of({'A', 'S', 'H'}), Catch::Contains("not a trace"));
}

TEST_CASE("trace_reader: other versions, byte orders and features are refused and named", "[observe][trace_reader]") {
    std::vector<char> bytes = sample_bytes(10);
    SECTION("a later version") {
        store(bytes, offsetof(trace_format::file_header, version), std::uint32_t{2});
        CHECK_THAT(error_of(bytes), Catch::Contains("format version 2; this program reads version 1"));
    }
    SECTION("the other byte order") {
        store(bytes, offsetof(trace_format::file_header, byte_order), std::uint32_t{0x04030201});
        CHECK_THAT(error_of(bytes), Catch::Contains("other byte order"));
    }
    SECTION("a damaged header") {
        store(bytes, offsetof(trace_format::file_header, process), std::uint32_t{77});
        CHECK_THAT(error_of(bytes), Catch::Contains("checksum is wrong"));
    }
    SECTION("strings longer than the header") {
        store(bytes, offsetof(trace_format::file_header, command_bytes), std::uint32_t{0xFFFFFFFF});
        CHECK_THAT(error_of(bytes), Catch::Contains("impossible"));
    }
    SECTION("a header longer than the file") {
        store(bytes, offsetof(trace_format::file_header, header_bytes), std::uint32_t{1U << 20});
        CHECK(!error_of(bytes).empty());
    }
}

TEST_CASE("trace_reader: a chunk that claims more than there is costs no more than there is", "[observe][trace_reader]") {
    std::vector<char> bytes = sample_bytes(50, 1);
    store(bytes, 4096 + offsetof(trace_format::chunk_header, capacity), trace_format::chunk_limit);
    store(bytes, 4096 + offsetof(trace_format::chunk_header, used), trace_format::chunk_limit - 64);
    trace_reader r = trace_reader::open(as_bytes(bytes));
    REQUIRE(r);
    CHECK(all_events(r).size() == 51);  // the records stand; only the claim is wrong
    CHECK(r.health().truncated_chunks == 1);
    SECTION("and one that claims more than the format allows is no chunk") {
        store(bytes, 4096 + offsetof(trace_format::chunk_header, capacity), trace_format::chunk_limit + 64);
        CHECK(read_out(as_bytes(bytes)) == 0);
    }
    SECTION("nor is one with more records than room") {
        store(bytes, 4096 + offsetof(trace_format::chunk_header, capacity), std::uint32_t{128});
        CHECK(read_out(as_bytes(bytes)) == 0);
    }
}

TEST_CASE("trace_reader: a trace that was never closed reads like one that was", "[observe][trace_reader]") {
    const history h(2, 2, 3000);
    const scratch_folder folder;
    const std::string path = folder / "t";
    trace_writer w = trace_writer::create(path, {});
    for (const event& e : h.events) REQUIRE(w.write(e));
    trace_reader r = trace_reader::open(path);  // while it is being written
    REQUIRE(r);
    CHECK(r.info().state == trace_state::running);
    CHECK_THAT(describe(r.info()), Catch::Contains("killed"));
    CHECK(all_events(r) == h.events);
    CHECK(r.health() == trace_health{});
}

TEST_CASE("trace_reader: rewinding gives the same events and the same health again", "[observe][trace_reader]") {
    std::vector<char> bytes = sample_bytes(3000);
    bytes.resize(bytes.size() - 5000);
    trace_reader r = trace_reader::open(as_bytes(bytes));
    REQUIRE(r);
    const auto first = all_events(r);
    const trace_health health = r.health();
    CHECK(r.next() == nullptr);
    r.rewind();
    CHECK(all_events(r) == first);
    CHECK(r.health() == health);
}

TEST_CASE("trace_reader: a file with gigabytes of nothing is read in no time", "[observe][trace_reader]") {
    const scratch_folder folder;
    const history h(4, 1, 100);
    const std::string path = write_trace(folder, "t", h.events);
    std::filesystem::resize_file(path, 1ULL << 38);  // sparse
    trace_reader r = trace_reader::open(path);
    REQUIRE(r);
    CHECK(all_events(r) == h.events);
}

TEST_CASE("trace_reader: a reader can be moved and goes on where it was", "[observe][trace_reader]") {
    const scratch_folder folder;
    const history h(4, 2, 100);
    trace_reader a = trace_reader::open(write_trace(folder, "t", h.events));
    REQUIRE(*a.next() == h.events[0]);
    trace_reader b = std::move(a);
    CHECK(*b.next() == h.events[1]);
    b = trace_reader::open(folder / "absent");
    CHECK(b.next() == nullptr);
}
