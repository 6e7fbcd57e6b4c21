#include "ashlar/observe/trace_stacks.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "ashlar/observe/trace_format.hpp"
#include "trace_support.hpp"

using namespace ashlar;
using namespace trace_support;

namespace {

trace_writer writer(const std::string& path) {
    return trace_writer::create(path, {.command_line = {"p"}, .executable = "/bin/p", .stack_depth = 64});
}

/// Two threads, one module, stacks that share frames: the second thread numbers the same places in another order.
std::vector<char> sample(bool close = true) {
    const scratch_folder folder;
    {
        trace_writer w = writer(folder / "t");
        trace_module m;
        m.path = std::string(100, 'p');
        m.build_id = {1, 2, 3, 255};
        m.bias = 0x7F00'0000'0000;
        m.begin = 0;
        m.bytes = 0x8000;
        w.define_module(1, m);
        const auto main0 = w.define_stack(0, 0, {1, 0x1000});
        const auto run0 = w.define_stack(0, main0, {1, 0x2000});
        const auto run1 = w.define_stack(1, trace_stacks::cut, {1, 0x2000});
        const auto main1 = w.define_stack(1, 0, {1, 0x1000});
        const auto jit1 = w.define_stack(1, main1, {0, 0xABCDEF});
        using k = event_kind;
        std::uint64_t t = 0;
        for (int i = 0; i < 40; ++i) {
            const std::uint64_t a = 0x5000 + 64 * static_cast<std::uint64_t>(i);
            w.write({.time_ns = ++t, .address = a, .size = 24, .stack = run0, .thread = 0, .kind = k::malloc});
            w.write({.time_ns = ++t, .address = a + 32, .size = 30u + static_cast<std::uint64_t>(i % 3), .stack = i % 2 ? jit1 : run1, .thread = 1, .kind = k::new_object});
            w.write({.time_ns = ++t, .address = a, .thread = 0, .kind = k::free});
            w.write({.time_ns = ++t, .size = 24, .stack = main0, .thread = 0, .kind = k::malloc, .failed = true});
        }
        if (close) w.close(t);
    }
    return bytes_of(folder / "t");
}

std::string text_of(const trace_stacks& s, std::uint32_t stack) {
    std::vector<std::uint32_t> places;
    std::string text = s.unfold(stack, places) ? "" : "cut ";
    for (auto i = places.size(); i-- > 0;) {
        text += std::to_string(s.places()[places[i]].module) + ":" + std::to_string(s.places()[places[i]].offset) + " ";
    }
    return text;
}

}  // namespace

TEST_CASE("trace_stacks: the same place and the same stack have one number, and unfold to what was put in", "[observe][trace_stacks]") {
    trace_stacks s;
    const auto a = s.add_place({1, 10}), b = s.add_place({1, 20});
    CHECK(s.add_place({1, 10}) == a);
    CHECK(s.add_place({2, 10}) != a);
    const auto main = s.add_frame(trace_stacks::unknown, a);
    const auto run = s.add_frame(main, b);
    CHECK(s.add_frame(main, b) == run);
    CHECK(s.add_frame(trace_stacks::cut, b) != s.add_frame(trace_stacks::unknown, b));
    CHECK(text_of(s, run) == "1:10 1:20 ");
    CHECK(text_of(s, s.add_frame(trace_stacks::cut, a)) == "cut 1:10 ");
    CHECK(text_of(s, 123456) == "");
}

TEST_CASE("trace_stacks: what threads number apart is one tree for the reader", "[observe][trace_stacks]") {
    const auto bytes = sample();
    trace_reader r = trace_reader::open(as_bytes(bytes));
    REQUIRE(r);
    CHECK(r.info().has_stacks);
    CHECK(r.info().stack_depth == 64);
    for (int round = 0; round < 2; ++round) {
        std::map<std::string, int> seen;
        for (const event& e : all_events(r)) {
            if (requests(e.kind)) ++seen[text_of(r.stacks(), e.stack)];
            else CHECK(e.stack == 0);
        }
        CHECK(seen == std::map<std::string, int>{{"1:4096 1:8192 ", 40}, {"1:4096 ", 40}, {"cut 1:8192 ", 20}, {"1:4096 0:11259375 ", 20}});
        CHECK(r.stacks().modules().size() == 2);
        CHECK(r.stacks().modules()[1].path == std::string(100, 'p'));
        CHECK(r.stacks().modules()[1].build_id == std::vector<std::uint8_t>{1, 2, 3, 255});
        CHECK(r.stacks().modules()[1].bias == 0x7F00'0000'0000);
        CHECK(r.health() == trace_health{});
        r.rewind();
    }
}

TEST_CASE("trace_stacks: a repeated stack with the same size costs one byte", "[observe][trace_stacks]") {
    const scratch_folder folder;
    std::size_t used[2];
    for (int n = 0; n < 2; ++n) {
        const std::string path = folder / ("t" + std::to_string(n));
        trace_writer w = writer(path);
        const auto s = w.define_stack(0, 0, {0, 1});
        for (std::uint64_t i = 0; i < 10 + 100 * static_cast<std::uint64_t>(n); ++i) {
            w.write({.time_ns = 2 * i, .address = 0x5000, .size = 1000, .stack = s, .kind = event_kind::malloc});
            w.write({.time_ns = 2 * i + 1, .address = 0x5000, .kind = event_kind::free});
        }
        w.close(1000);
        std::uint32_t bytes;
        std::memcpy(&bytes, bytes_of(path).data() + 4096 + 8, 4);
        used[n] = bytes;
    }
    CHECK(used[1] - used[0] == 100 * (4 + 3));  // tag, time, stack, slot; tag, time, slot
}

TEST_CASE("trace_stacks: a trace cut at any byte gives what stands before, or says why not", "[observe][trace_stacks]") {
    for (bool close : {true, false}) {
        const auto whole = sample(close);
        std::size_t before = 0;
        for (std::size_t size = 0; size < whole.size(); size += size < 4096 || size > 4900 ? 97 : 1) {
            const std::vector<char> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            trace_reader r = trace_reader::open(as_bytes(part));
            if (!r) continue;
            std::size_t events = 0;
            while (const event* e = r.next()) {
                events += requests(e->kind);
                if (requests(e->kind)) REQUIRE(e->stack < r.stacks().frames().size());
            }
            CHECK(events + 2 >= before);  // a cut inside a closed chunk leaves it open
            before = events;
        }
    }
}

TEST_CASE("trace_stacks: impossible definitions end a chunk as damage", "[observe][trace_stacks]") {
    auto whole = sample(false);
    namespace f = trace_format;
    const std::size_t first = 4096 + sizeof(f::chunk_header);
    CHECK(static_cast<unsigned>(whole[first]) == f::define_counts);
    const auto outcome = [&](std::vector<unsigned char> record) {
        auto bytes = whole;
        for (std::size_t i = 0; i < record.size(); ++i) bytes[first + 3 + i] = static_cast<char>(record[i]);
        trace_reader r = trace_reader::open(as_bytes(bytes));
        all_events(r);
        return r.health().damaged_chunks;
    };
    CHECK(outcome({f::define_stacks, 0, 1, 0}) == 1);        // its own parent
    CHECK(outcome({f::define_stacks, 3, 1, 0}) == 1);        // a parent before all
    CHECK(outcome({f::define_stacks, 2, 0, 0}) == 1);        // none
    CHECK(outcome({f::define_stacks, 2, 9, 0}) == 1);        // too many
    CHECK(outcome({f::define_stacks, 2, 1, 7}) == 1);        // a place that is not defined
    CHECK(outcome({f::define_place, 0xFF, 0xFF, 0xFF, 1, 0}) == 1);  // a module beyond all
    CHECK(outcome({f::define_module, 0, 0, 0, 0, 0}) == 1);  // module 0
    CHECK(outcome({f::define_module, 1, 3, 0}) == 1);        // no such part
    CHECK(outcome({f::define_module, 1, 2, 49}) == 1);       // too long
    CHECK(outcome({f::define_stacks, 2, 1, 0x80}) == 1);
    CHECK(outcome({1, 0, 0x7F, 0}) == 1);                    // a slot that is empty
    CHECK(outcome({1, 0, 0xFF, 0x01, 0}) == 1);              // a stack that is not defined
    CHECK(outcome({1 | 0x80, 0, 0x80, 1, 1}) == 1);          // the size of a stack not in the table
}

TEST_CASE("trace_stacks: a lost chunk costs its own definitions and no others", "[observe][trace_stacks]") {
    const scratch_folder folder;
    trace_writer w = writer(folder / "t");
    std::vector<std::uint32_t> stacks;
    std::uint64_t t = 0;
    for (std::uint64_t i = 0; i < 4000; ++i) {
        if (i % 10 == 0) stacks.push_back(w.define_stack(0, 0, {0, 1000 + i}));
        w.write({.time_ns = ++t, .address = 0x10000 + 4096 * (i % 977), .size = i, .stack = stacks[i / 20], .kind = event_kind::malloc});
        w.write({.time_ns = ++t, .address = 0x10000 + 4096 * (i % 977), .kind = event_kind::free});
    }
    w.close(t);
    auto bytes = bytes_of(folder / "t");
    // The second chunk of the thread, from page 2 on, is damaged.
    bytes[2 * 4096 + 200] = static_cast<char>(bytes[2 * 4096 + 200] ^ 0x55);
    trace_reader r = trace_reader::open(as_bytes(bytes));
    std::size_t right = 0, unknown = 0, wrong = 0;
    for (const event& e : all_events(r)) {
        if (!requests(e.kind)) continue;
        const std::string want = "0:" + std::to_string(1000 + e.size / 20 * 10) + " ";
        const std::string got = text_of(r.stacks(), e.stack);
        ++(got == want ? right : e.stack == 0 ? unknown : wrong);
    }
    CHECK(r.health().damaged_chunks == 1);
    CHECK(wrong == 0);
    CHECK(right > 2000);
    CHECK(unknown > 0);
}

TEST_CASE("trace_stacks: any history with stacks is read back as it was written", "[observe][trace_stacks]") {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        const history h(seed, 3, 1500);
        const scratch_folder folder;
        std::vector<event> wanted;
        {
            trace_writer w = writer(folder / "t");
            std::mt19937_64 random(seed);
            std::vector<std::uint32_t> stacks[3];
            for (event e : h.events) {
                auto& mine = stacks[e.thread];
                if (requests(e.kind)) {
                    if (mine.empty() || (mine.size() < 300 && random() % 8 == 0)) {
                        mine.push_back(w.define_stack(e.thread, 0, {0, 1000 * e.thread + mine.size()}));
                    }
                    const std::size_t which = random() % 3 == 0 ? random() % mine.size() : mine.size() - 1;
                    e.stack = mine[which];
                    wanted.push_back(e);
                    wanted.back().stack = static_cast<std::uint32_t>(1000 * e.thread + which);  // its place, to compare by
                } else {
                    wanted.push_back(e);
                }
                REQUIRE(w.write(e));
            }
            w.close(h.events.back().time_ns);
        }
        trace_reader r = trace_reader::open(folder / "t");
        auto found = all_events(r);
        for (event& e : found) {
            if (requests(e.kind)) e.stack = static_cast<std::uint32_t>(r.stacks().places()[r.stacks().frames()[e.stack].place].offset);
        }
        CHECK(found == wanted);
        CHECK(r.health() == trace_health{});
    }
}
