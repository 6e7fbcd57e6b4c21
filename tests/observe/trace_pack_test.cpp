#include "ashlar/observe/trace_pack.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "ashlar/observe/trace_format.hpp"
#include "trace_support.hpp"

using namespace ashlar;
using trace_support::all_events;
using trace_support::as_bytes;
using trace_support::bytes_of;
using trace_support::history;
using trace_support::scratch_folder;
using trace_support::write_trace;

namespace {

struct reading {
    std::vector<event> events;
    trace_health health;
    trace_info info;
};

reading read(trace_reader r) {
    REQUIRE(r);
    reading all{all_events(r), r.health(), r.info()};
    return all;
}

/// A trace of events of every kind, whose requests tell stacks that branch.
std::string write_stacks(const scratch_folder& folder) {
    const std::string path = folder / "s";
    trace_writer w = trace_writer::create(path, {.command_line = {"prog"}, .executable = "/bin/prog", .stack_depth = 64});
    trace_module m;
    m.path = std::string(200, 'p');
    m.build_id = {1, 2, 3};
    m.bias = 4096;
    REQUIRE(w.define_module(1, m));
    std::uint32_t stacks[2] = {trace_stacks::unknown, trace_stacks::unknown};
    std::uint64_t i = 0;
    const history h(7, 2, 1500);
    for (event e : h.events) {
        if (requests(e.kind)) {
            std::uint32_t& stack = stacks[e.thread];
            ++i;
            const auto deeper = w.define_stack(e.thread, i % 7 == 0 ? trace_stacks::unknown : stack, {1, i});
            REQUIRE(deeper != 0);
            e.stack = stack = deeper;
        }
        REQUIRE(w.write(e));
    }
    REQUIRE(w.close(h.events.back().time_ns));
    return path;
}

}  // namespace

TEST_CASE("trace_pack: a packed trace is smaller and has the same events, threads and health", "[observe][trace_pack]") {
    const scratch_folder folder;
    const auto threads = GENERATE(1U, 5U);
    const history h(threads, threads, 30'000);
    const std::string path = write_trace(folder, "t", h.events);
    const reading before = read(trace_reader::open(path));
    packed_size size;
    REQUIRE(pack_trace(path, size) == "");
    CHECK(size.before == before.info.file_bytes);
    CHECK(size.after == std::filesystem::file_size(path));
    CHECK(size.after < size.before);
    const reading after = read(trace_reader::open(path));
    CHECK(after.events == before.events);
    CHECK(after.health == before.health);
    CHECK(after.info.command_line == before.info.command_line);
    CHECK(after.info.duration_ns == before.info.duration_ns);
    CHECK(after.info.threads == before.info.threads);
    CHECK(after.info.chunks == before.info.chunks);

    SECTION("and a reader goes back to its beginning") {
        trace_reader r = trace_reader::open(path);
        all_events(r);
        r.rewind();
        CHECK(all_events(r) == before.events);
    }
    SECTION("and packing it again changes nothing") {
        const auto bytes = bytes_of(path);
        REQUIRE(pack_trace(path, size) == "");
        CHECK(size.before == size.after);
        CHECK(bytes_of(path) == bytes);
    }
    SECTION("and its index is made anew where it is missing or damaged") {
        auto bytes = bytes_of(path);
        trace_format::file_header header;
        std::memcpy(&header, bytes.data(), sizeof header);
        REQUIRE(header.index_at > 0);
        bytes[header.index_at + 100] ^= 1;
        const reading damaged = read(trace_reader::open(as_bytes(bytes)));
        CHECK(damaged.events == before.events);
        CHECK(damaged.health == trace_health{});
        const reading missing = read(trace_reader::open(as_bytes(bytes).first(header.index_at)));
        CHECK(missing.events == before.events);
        CHECK(missing.health == trace_health{.missing_bytes = bytes.size() - header.index_at});
    }
}

TEST_CASE("trace_pack: call stacks are packed and read back", "[observe][trace_pack]") {
    const scratch_folder folder;
    const std::string path = write_stacks(folder);
    const auto unfolded = [&] {
        trace_reader r = trace_reader::open(path);
        std::vector<std::uint32_t> all, places;
        std::vector<event> events;
        while (const event* e = r.next()) {
            r.stacks().unfold(e->stack, places);
            for (const auto p : places) all.push_back(static_cast<std::uint32_t>(r.stacks().places()[p].offset));
            all.push_back(UINT32_MAX);
            events.push_back(*e);
        }
        CHECK(r.health() == trace_health{});
        CHECK(r.stacks().modules().at(1).path == std::string(200, 'p'));
        return std::pair(events, all);
    };
    const auto before = unfolded();
    packed_size size;
    REQUIRE(pack_trace(path, size) == "");
    CHECK(unfolded() == before);
    CHECK(size.after < size.before);
}

TEST_CASE("trace_pack: flipped bits and cuts of a packed trace are survived, and noticed where events are lost",
          "[observe][trace_pack]") {
    const scratch_folder folder;
    const bool with_stacks = GENERATE(false, true);
    const std::string path = with_stacks ? write_stacks(folder) : write_trace(folder, "t", history(3, 2, 2000).events);
    packed_size size;
    REQUIRE(pack_trace(path, size) == "");
    const std::size_t count = read(trace_reader::open(path)).events.size();
    auto bytes = bytes_of(path);
    std::mt19937_64 random(1);
    for (int round = 0; round < 200; ++round) {
        const std::size_t at = 4096 + random() % (bytes.size() - 4096);
        const char kept = bytes[at];
        bytes[at] = static_cast<char>(kept ^ 1 << random() % 8);
        trace_reader r = trace_reader::open(as_bytes(bytes));
        REQUIRE(r);
        const auto events = all_events(r);
        REQUIRE((events.size() == count || r.health() != trace_health{}));
        bytes[at] = kept;
    }
    for (std::size_t length = 512; length < bytes.size(); length += 1 + bytes.size() / 150) {
        trace_reader r = trace_reader::open(as_bytes(bytes).first(length));
        if (!r) continue;
        all_events(r);
        REQUIRE(r.health() != trace_health{});
    }
}

TEST_CASE("trace_pack: a trace that is being written, is damaged or is none stays as it is", "[observe][trace_pack]") {
    const scratch_folder folder;
    packed_size size;
    SECTION("being written") {
        trace_writer w = trace_writer::create(folder / "t", {});
        event e;
        e.kind = event_kind::malloc;
        e.address = 4096;
        REQUIRE(w.write(e));
        CHECK_THAT(pack_trace(folder / "t", size), Catch::EndsWith("is still being written; it is left as it is"));
        REQUIRE(w.close(1));
        CHECK(pack_trace(folder / "t", size) == "");
    }
    SECTION("damaged") {
        const std::string path = write_trace(folder, "t", history(1, 1, 5000).events);
        auto bytes = bytes_of(path);
        bytes[4096 + 700] ^= 4;
        std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        CHECK_THAT(pack_trace(path, size), Catch::Contains("is damaged; it is left as it is"));
        CHECK(bytes_of(path) == bytes);
        std::filesystem::resize_file(path, bytes.size() / 2 / 4096 * 4096);
        CHECK_THAT(pack_trace(path, size), Catch::Contains("missing at the end"));
    }
    SECTION("none") {
        std::ofstream(folder / "t") << "text";
        CHECK_THAT(pack_trace(folder / "t", size), Catch::EndsWith("is not a trace of Ashlar"));
        CHECK_THAT(pack_trace(folder / "missing", size), Catch::Contains("cannot read the trace"));
        CHECK_THAT(pack_trace("/dev/null", size), Catch::Contains("no regular file"));
    }
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) files += entry.is_regular_file();
    CHECK(files == 1);  // nothing half-written stays
}

TEST_CASE("trace_pack: an old half-made file is no obstacle, and a link keeps linking", "[observe][trace_pack]") {
    const scratch_folder folder;
    const history h(1, 1, 500);
    const std::string path = write_trace(folder, "t", h.events);
    std::ofstream(path + ".packing") << "left by one that was killed";
    std::filesystem::create_symlink("t", folder / "link");
    packed_size size;
    REQUIRE(pack_trace(folder / "link", size) == "");
    CHECK(std::filesystem::is_symlink(folder / "link"));
    CHECK_FALSE(std::filesystem::exists(path + ".packing"));
    CHECK(std::filesystem::file_size(path) == size.after);
    CHECK(read(trace_reader::open(path)).events == h.events);
}
