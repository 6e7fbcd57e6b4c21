#include "ashlar/observe/trace_import.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "ashlar/observe/trace_reader.hpp"

using namespace ashlar;

namespace {

struct imported {
    import_outcome outcome;
    std::vector<event> events;
    std::vector<std::string> command;
};

imported import_text(const std::string& text) {
    const std::string path = (std::filesystem::temp_directory_path() / ("ashlar-import-" + std::to_string(getpid()))).string();
    std::filesystem::remove(path);
    std::istringstream from(text);
    imported all{import_trace(from, "given", path), {}, {}};
    CHECK(std::filesystem::exists(path) == all.outcome.error.empty());
    if (!all.outcome.error.empty()) return all;
    auto reader = trace_reader::open(path);
    REQUIRE(reader);
    while (const event* e = reader.next()) all.events.push_back(*e);
    all.events.erase(std::remove_if(all.events.begin(), all.events.end(), [](const event& e) { return e.kind == event_kind::thread_begin || e.kind == event_kind::thread_end; }),
                     all.events.end());
    for (event& e : all.events) e.time_ns = 0;
    all.command = reader.info().command_line;
    CHECK(reader.info().state == trace_state::closed);
    std::filesystem::remove(path);
    return all;
}

event asked(event_kind kind, std::uint64_t address, std::uint64_t size, std::uint64_t alignment = 0) {
    return {.address = address, .size = size, .alignment = alignment, .kind = kind};
}
event moved(std::uint64_t old, std::uint64_t address, std::uint64_t size) {
    return {.address = address, .size = size, .old_address = old, .kind = event_kind::realloc};
}
event gone(std::uint64_t address, event_kind kind = event_kind::free) { return {.address = address, .kind = kind}; }

}  // namespace

TEST_CASE("trace_import: mtrace's lines are requests, moves and releases", "[observe][trace_import]") {
    const auto got = import_text(
        "= Start\n@ ./demo:[0x11c0] + 0x1000 0x64\n@ ./demo:(main+0x1e)[0x11d3] + 0x2000 0xc8\n"
        "@ ./demo:[0x11e8] < 0x1000\n@ ./demo:[0x11e8] > 0x3000 0x1388\n@ ./demo:[0x1] ! 0x2000 0xffffffffff\n"
        "@ ./demo:[0x12c2] + (nil) 0x3fff\nnonsense\n- 0x2000\n= End\n");
    CHECK(got.outcome.format == foreign_format::mtrace);
    event refused_move = moved(0x2000, 0, 0xffffffffff);
    event refused = asked(event_kind::malloc, 0, 0x3fff);
    refused_move.failed = refused.failed = true;
    CHECK(got.events == std::vector<event>{asked(event_kind::malloc, 0x1000, 100), asked(event_kind::malloc, 0x2000, 200),
                                           moved(0x1000, 0x3000, 5000), refused_move, refused, gone(0x2000)});
    CHECK(got.command == std::vector<std::string>{"./demo"});
    CHECK((got.outcome.unread_lines == 1 && got.outcome.first_unread == 8));
}

TEST_CASE("trace_import: Valgrind's lines are found between the program's own", "[observe][trace_import]") {
    using enum event_kind;
    const auto got = import_text(
        "==7== Memcheck, a memory error detector\n==7== Command: ./demo --of x\nthe program says --7-- hello\n"
        "--7-- malloc(100) = 0x4A42040\n--7-- calloc(10,20) = 0x4A420F0\n--7-- realloc(0x4A42040,5000) = 0x4A42200\n"
        "--8-- malloc(1) = 0x50\n--7-- memalign(al 64, size 96) = 0x4A43700\n--7-- _ZnwmSt11align_val_t(size 10, al 128) = 0x4D70000\n"
        "--7-- malloc(4611686018427387903) = 0x0\n--7-- realloc(0x4A42200,0)free(0x4A42200)\n--7--  = 0\n"
        "--7-- realloc(0x0,56)malloc(56) = 0x4A50000\n--7-- _Znwm(4) = 0x4D6FC80\n--7-- _ZdlPvm(0x4D6FC80)\n--7-- _ZdaPv(0x4A43700)\n--7-- free(0x0)\n"
        "--7-- calloc(18446744073709551615,2) = 0x0\n--7-- malloc(\n--7-- free(0x4A420F0)\n");
    CHECK(got.outcome.format == foreign_format::valgrind);
    event refused = asked(event_kind::malloc, 0, 4611686018427387903);
    event overflowed = asked(event_kind::calloc, 0, ~std::uint64_t{0});
    refused.failed = overflowed.failed = true;
    CHECK(got.events == std::vector<event>{asked(event_kind::malloc, 0x4A42040, 100), asked(event_kind::calloc, 0x4A420F0, 200),
                                           moved(0x4A42040, 0x4A42200, 5000), asked(memalign, 0x4A43700, 96, 64),
                                           asked(new_aligned, 0x4D70000, 10, 128), refused, moved(0x4A42200, 0, 0), moved(0, 0x4A50000, 56),
                                           asked(new_object, 0x4D6FC80, 4), gone(0x4D6FC80, delete_object),
                                           gone(0x4A43700, delete_array), overflowed, gone(0x4A420F0)});
    CHECK(got.command == std::vector<std::string>{"./demo", "--of", "x"});
}

TEST_CASE("trace_import: a .rep file names blocks by numbers, and each gets an address of its own", "[observe][trace_import]") {
    const auto got = import_text("20000\r\n3\r\n6\r\n1\r\na 0 100\r\na 1 0\r\nr 0 300\r\nf 1\r\nf 1\r\nf 0\r\nx 3 4\r\n");
    CHECK(got.outcome.format == foreign_format::rep);
    REQUIRE(got.events.size() == 5);
    CHECK(got.events[0].size == 100);
    CHECK(got.events[2].old_address == got.events[0].address);
    CHECK(got.events[2].address >= got.events[1].address + 16);
    CHECK(got.events[3] == gone(got.events[1].address));
    CHECK(got.events[4] == gone(got.events[2].address));
    CHECK((got.outcome.unread_lines == 2 && got.outcome.first_unread == 9));
}

TEST_CASE("trace_import: heaptrack's stacks come along, each place in its file", "[observe][trace_import]") {
    const std::string path = (std::filesystem::temp_directory_path() / ("ashlar-heaptrack-" + std::to_string(getpid()))).string();
    std::filesystem::remove(path);
    std::istringstream from(
        "v 10400 3\nx 5 /demo\nX ./demo it\nI 1000 5e29\nm 1 -\nm 1 x 55cb773c2000 0 7c8 1000 305\n"
        "m 9 /libc.so6 7f975e7e1000 0 25388 26000 1550fc\nt 7f975e808304 0\nt 55cb773c31bf 1\nt 1234 0\nc a\n"
        "+ 64 2 55cb8b38a1d0\n+ c8 3 55cb8b38a300\n- 55cb8b38a1d0\nc 14\n+ 1 0 55cb8b38a1d0\nt 9 99\n");
    const auto outcome = import_trace(from, "given", path);
    REQUIRE(outcome.error.empty());
    CHECK((outcome.events == 4 && outcome.unread_lines == 1));
    auto reader = trace_reader::open(path);
    REQUIRE(reader);
    std::vector<event> events;
    while (const event* e = reader.next()) {
        if (requests(e->kind)) events.push_back(*e);
    }
    std::filesystem::remove(path);
    REQUIRE(events.size() == 3);
    CHECK((events[0].time_ns > 10'000'000 && events[2].time_ns > 20'000'000));
    std::vector<std::uint32_t> places;
    CHECK(reader.stacks().unfold(events[0].stack, places));
    REQUIRE(places.size() == 2);
    const auto& all = reader.stacks().places();
    CHECK(all[places[0]].offset == 0x11bf);
    CHECK(all[places[1]].offset == 0x27304);
    CHECK(reader.stacks().modules()[all[places[1]].module].path == "/libc.so6");
    CHECK(reader.info().command_line == std::vector<std::string>{"./demo", "it"});
    CHECK(reader.info().executable == "/demo");
}

TEST_CASE("trace_import: what is no recording is refused, and no file is left or lost", "[observe][trace_import]") {
    CHECK(import_text("").outcome.error == "is empty");
    CHECK(import_text("hello\nworld\n").outcome.error.find("is no recording of") == 0);
    CHECK(import_text("\x28\xb5\x2f\xfd zstd").outcome.error.find("is compressed; try: zstd -dc") == 0);
    CHECK(import_text("= Start\n= End\n").outcome.error == "tells of no allocation");
    CHECK(import_text("1\n2\n3\n4\nf 9\n").outcome.error == "tells of no allocation");
    const std::string kept = (std::filesystem::temp_directory_path() / ("ashlar-kept-" + std::to_string(getpid()))).string();
    std::ofstream(kept) << "mine";
    std::istringstream from("= Start\n+ 0x10 0x10\n= End\n");
    CHECK_FALSE(import_trace(from, "given", kept).error.empty());
    std::string text;
    std::ifstream(kept) >> text;
    CHECK(text == "mine");
    std::filesystem::remove(kept);
}

TEST_CASE("trace_import: any bytes are an error or a trace", "[observe][trace_import]") {
    const std::string seeds[] = {"= Start\n+ 0x10 0x10\n< 0x10\n> 0x20 0x30\n- 0x20\n", "--7-- malloc(100) = 0x4A42040\n--7-- realloc(0x4A42040,0)free(0x0)\n",
                                 "1\n2\n3\n4\na 0 100\nr 0 300\nf 0\n", "v 1 3\nm 1 x 1000 0 7\nt 1001 0\n+ 64 1 20\n- 20\nc ffff\n"};
    std::uint64_t random = 1;
    for (int round = 0; round < 400; ++round) {
        std::string text = seeds[round % 4];
        for (int i = 0; i < 3; ++i) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[random / 7 % text.size()] = static_cast<char>(random >> 56);
        }
        import_text(text);
    }
}
