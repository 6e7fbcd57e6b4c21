#include "ashlar/observe/trace_format.hpp"

#include <catch2/catch.hpp>
#include <sstream>

#include "ashlar/os/platform.hpp"
#include "trace_support.hpp"

using namespace ashlar;
using namespace trace_support;

namespace {

std::filesystem::path document() {
    // This file's path begins at the project, wherever the project lies; the tests run somewhere below it.
    for (auto folder = std::filesystem::current_path();; folder = folder.parent_path()) {
        if (std::filesystem::exists(folder / "docs/trace_format.md")) return folder / "docs/trace_format.md";
        if (folder == folder.parent_path()) return {};
    }
}

/// The lines of the block of code after ```hexdump.
std::map<std::size_t, std::vector<unsigned>> hexdump(const std::filesystem::path& file) {
    std::map<std::size_t, std::vector<unsigned>> rows;
    std::ifstream in(file);
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("```")) {
            inside = line == "```hexdump";
        } else if (inside) {
            std::istringstream words(line);
            std::size_t offset = 0;
            words >> std::hex >> offset;
            for (unsigned byte; words >> byte;) rows[offset].push_back(byte);
        }
    }
    return rows;
}

std::vector<char> example() {
    const scratch_folder folder;
    trace_writer w = trace_writer::create(folder / "t", {.command_line = {"prog", "x"},
                                                         .executable = "/bin/prog",
                                                         .process = 42,
                                                         .parent = 7,
                                                         .forked = false,
                                                         .start_unix_ns = 1'700'000'000'000'000'000});
    using k = event_kind;
    w.name_thread(0, "main");
    w.write({.time_ns = 1000, .address = 0x5000, .size = 100, .kind = k::malloc});
    w.write({.time_ns = 1300, .address = 0x5080, .size = 300, .old_address = 0x5000, .kind = k::realloc}, 1200);
    w.write({.time_ns = 1310, .size = 24, .alignment = 24, .kind = k::posix_memalign, .failed = true});
    w.write({.time_ns = 1320, .address = 0x5080, .kind = k::free});
    w.write({.time_ns = 1330, .address = 0x5080, .size = 300, .kind = k::new_object});
    w.write({.time_ns = 1340, .kind = k::thread_end});
    w.close(1400);
    return bytes_of(folder / "t");
}

}  // namespace

TEST_CASE("trace_format: the example in the document is what the writer writes, byte by byte",
          "[observe][trace_format]") {
    if (os::page_size() != 4096) return;  // the document's machine
    std::vector<char> left = example();
    REQUIRE(left.size() == 8192);
    const auto rows = hexdump(document());
    REQUIRE(rows.size() > 10);
    for (const auto& [offset, bytes] : rows) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            CAPTURE(offset, i);
            CHECK(static_cast<unsigned char>(left.at(offset + i)) == bytes[i]);
            left[offset + i] = 0;
        }
    }
    CHECK(left == std::vector<char>(8192));  // and what it leaves out is zero (trace_format.I3)
}

TEST_CASE("trace_format: until the last byte of a record's head is stored there is no record", "[observe][trace_format]") {
    // trace_format.I2: whatever else of the last record is in the file, a zero tag hides it.
    std::vector<char> bytes = example();
    bytes[0x1058] = 0;                                              // thread end's tag
    bytes[0x1008] = bytes[0x1009] = bytes[0x100A] = bytes[0x100B] = 0;  // the chunk is open
    trace_reader r = trace_reader::open(as_bytes(bytes));
    const auto events = all_events(r);
    REQUIRE(events.size() == 6);
    CHECK(events.back().kind == event_kind::new_object);
    CHECK(r.health() == trace_health{});
}

TEST_CASE("trace_format: until a chunk's magic is stored its space counts as unused", "[observe][trace_format]") {
    std::vector<char> bytes = example();
    for (std::size_t i = 0; i < 4; ++i) bytes[0x1000 + i] = 0;  // trace_format.I1
    trace_reader r = trace_reader::open(as_bytes(bytes));
    REQUIRE(r);
    CHECK(r.info().threads == 0);
    CHECK(r.health() == trace_health{});
}

TEST_CASE("trace_format: addresses spread over all slots of the table", "[observe][trace_format]") {
    std::vector<int> hits(trace_format::slot_count);
    for (std::uint64_t a = 0; a < 128 * 100; ++a) ++hits[trace_format::slot_of(0x7F00'0000'0000 + a * 48)];
    CHECK(*std::min_element(hits.begin(), hits.end()) > 50);
    CHECK(*std::max_element(hits.begin(), hits.end()) < 200);
}
