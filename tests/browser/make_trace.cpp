// make-trace SCENARIO FILE [EVENTS]: writes a trace with figures that a test knows beforehand.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/trace_writer.hpp"

using namespace ashlar;

namespace {

std::vector<std::string> hostile_command() {
    return {"sh",
            "-c",
            "echo '</script><img src=x onerror=\"document.title=`pwned`\"><script>document.title='pwned'</script>'",
            "<!--",
            "\xe2\x80\xae"
            "gnp.exe",                  // U+202E: what follows is written from right to left
            "\xe2\x80\xa8\xe2\x80\xa9",  // U+2028 and U+2029
            "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
            "\xff\xfe not UTF-8 \xc3",
            "\x1b[2Jcleared",
            std::string(10'000, 'A') + "end"};
}

/// Two threads; every figure is small enough to be counted by hand (tests/tool/report_test.py does).
void write_known(trace_writer& to) {
    to.write({.time_ns = 1'000, .address = 0x1000, .size = 100, .kind = event_kind::malloc});
    to.write({.time_ns = 2'000, .address = 0x2000, .size = 50, .thread = 1, .kind = event_kind::new_array});
    to.write({.time_ns = 3'000, .address = 0x3000, .size = 400, .old_address = 0x1000, .kind = event_kind::realloc});
    to.write({.time_ns = 4'000, .address = 0x4000, .size = 8, .kind = event_kind::malloc});
    to.write({.time_ns = 5'000, .address = 0x4000, .kind = event_kind::free});
    to.write({.time_ns = 6'000, .size = std::uint64_t{1} << 62, .kind = event_kind::calloc, .failed = true});
    to.write({.time_ns = 7'000, .address = 0x3000, .thread = 1, .kind = event_kind::free});
    to.write({.time_ns = 8'000, .address = 0x5000, .size = 0, .kind = event_kind::malloc});
    to.write({.time_ns = 9'000, .kind = event_kind::free});
    to.write({.time_ns = 9'500, .address = 0x9000, .kind = event_kind::free});
}

/// Blocks of many sizes and lifetimes over `threads` threads, a ninth of them freed by another thread.
void write_busy(trace_writer& to, std::uint64_t events, std::uint32_t threads) {
    std::mt19937_64 random(1);
    struct block {
        std::uint64_t address;
        std::uint32_t thread;
    };
    std::multimap<std::uint64_t, block> deaths;
    std::lognormal_distribution<double> sizes(4.3, 1.4), lives(3.0, 3.0);
    std::uint64_t time = 0, address = 0x7f0000000000;
    for (std::uint64_t written = 0; written < events; ++written) {
        time += 40 + random() % 100 + (random() % 20'000 == 0 ? 4'000'000 : 0);
        if (!deaths.empty() && deaths.begin()->first <= written) {
            const block dead = deaths.begin()->second;
            deaths.erase(deaths.begin());
            const auto thread = random() % 9 == 0 ? static_cast<std::uint32_t>(random() % threads) : dead.thread;
            to.write({.time_ns = time, .address = dead.address, .thread = thread, .kind = event_kind::free});
            continue;
        }
        const auto size = static_cast<std::uint64_t>(sizes(random));
        const auto thread = static_cast<std::uint32_t>(random() % threads);
        const auto kind = thread % 2 == 0 ? event_kind::malloc : event_kind::new_object;
        to.write({.time_ns = time, .address = address, .size = size, .thread = thread, .kind = kind});
        if (random() % 1000 != 0) {
            deaths.emplace(written + static_cast<std::uint64_t>(lives(random)), block{address, thread});
        }
        address += 16 + (size + 15) / 16 * 16;
    }
}

/// The same in bulk, for traces of hundreds of millions: four threads in turns, 800 call stacks, blocks of up to 240 bytes,
/// nine in ten events about 64 Ki places for blocks, the others about a million.
void write_long(trace_writer& to, std::uint64_t events) {
    trace_module program;
    program.path = "/bin/demo";
    program.bytes = 0x10000;
    to.define_module(1, program);
    std::vector<std::uint32_t> stacks[4];
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
        for (std::uint64_t i = 0; i < 200; ++i) {
            const auto below = i % 8 == 0 ? trace_stacks::unknown : stacks[thread].back();
            stacks[thread].push_back(to.define_stack(thread, below, {1, 0x1000 + 16 * (i + 200 * thread)}));
        }
    }
    std::mt19937_64 random(2);
    std::vector<bool> is_live(1 << 20);
    std::uint64_t time = 0;
    std::uint32_t thread = 0;
    for (std::uint64_t written = 0; written < events; ++written) {
        const std::uint64_t dice = random();
        if (dice >> 58 == 0) thread = static_cast<std::uint32_t>(dice & 3);
        const auto place = static_cast<std::size_t>(dice >> 32) & (dice % 10 == 0 ? 0xFFFFF : 0xFFFF);
        time += 40 + (dice & 63);
        event e{.time_ns = time, .address = 0x7f0000000000 + 256 * place, .thread = thread, .kind = event_kind::free};
        if (!is_live[place]) {
            e.kind = event_kind::malloc;
            e.stack = stacks[thread][(dice >> 8) % 200];
            e.size = 8 * (e.stack % 30) + (dice & 7);
        }
        is_live[place] = !is_live[place];
        to.write(e);
    }
}

/// Three stacks under one outermost frame: 600 bytes by the first callee, 300 and 100 by the second's two. The library's name
/// is not what a page may take for its own. Grown: the first callee asks for nothing, the second's first for 900, and another
/// callee for 50.
void write_callers(trace_writer& to, bool grown) {
    trace_module library;
    library.path = "/lib/<img src=x onerror=\"document.title='pwned'\">.so";
    library.bytes = 0x10000;
    to.define_module(1, library);
    const auto outermost = to.define_stack(0, trace_stacks::unknown, {1, 0x1000});
    const auto first = to.define_stack(0, outermost, {1, 0x2000});
    const auto second = to.define_stack(0, outermost, {1, 0x3000});
    const std::uint32_t stacks[] = {first, to.define_stack(0, second, {1, 0x4000}), to.define_stack(0, second, {0, 0xABCDEF})};
    const std::uint64_t sizes[] = {600, grown ? 900U : 300U, 100};
    if (grown) {
        const auto another = to.define_stack(0, outermost, {1, 0x5000});
        to.write({.time_ns = 500, .address = 0x9000, .size = 50, .stack = another, .kind = event_kind::malloc});
    }
    for (std::uint64_t i = grown ? 1 : 0; i < 3; ++i) {
        to.write({.time_ns = 1'000 + i, .address = 0x1000 * (i + 1), .size = sizes[i], .stack = stacks[i], .kind = event_kind::malloc});
    }
    to.write({.time_ns = 2'000, .address = 0x3000, .kind = event_kind::free});
}

/// One block that grows: 16 bytes, 32 in place, 64 and 128 elsewhere. Then 64 pages of four blocks, of which one stays in each
/// of the first 60; and ten cache lines with a block of each of two threads.
void write_findings(trace_writer& to) {
    trace_module program;
    program.path = "/bin/demo";
    program.bytes = 0x10000;
    to.define_module(1, program);
    std::uint32_t stacks[3];
    for (std::uint32_t i = 0; i < 3; ++i) stacks[i] = to.define_stack(0, trace_stacks::unknown, {1, 0x1000 * (i + 1)});
    const std::uint32_t other = to.define_stack(1, trace_stacks::unknown, {1, 0x4000});
    std::uint64_t time = 0;
    const auto grant = [&](std::uint64_t address, std::uint64_t size, std::uint32_t stack, std::uint32_t thread = 0) {
        to.write({.time_ns = time += 1000, .address = address, .size = size, .stack = stack, .thread = thread, .kind = event_kind::malloc});
    };
    const auto free = [&](std::uint64_t address) { to.write({.time_ns = time += 1000, .address = address, .kind = event_kind::free}); };
    const auto tell_memory = [&](std::uint64_t resident, std::uint64_t committed) {
        to.tell_memory(time + 500, resident, committed);
    };
    tell_memory(100 << 10, 3 << 20);
    grant(0x10000, 16, stacks[0]);
    const std::uint64_t moves[][3] = {{0x10000, 0x10000, 32}, {0x10000, 0x20000, 64}, {0x20000, 0x30000, 128}};
    for (const auto& [from, at, size] : moves) {
        to.write({.time_ns = time += 1000, .address = at, .size = size, .old_address = from, .stack = stacks[0], .kind = event_kind::realloc});
    }
    free(0x30000);
    for (std::uint64_t block = 0; block < 256; ++block) grant(0x100000 + 1024 * block, 1024, stacks[1]);
    for (std::uint64_t line = 0; line < 10; ++line) {
        grant(0x500000 + 64 * line, 16, stacks[2]);
        grant(0x500010 + 64 * line, 16, other, 1);
    }
    tell_memory(300 << 10, 4 << 20);
    for (std::uint64_t block = 0; block < 240; ++block) {
        if (block % 4 != 2) free(0x100000 + 1024 * block);
    }
}

/// Forty thousand call stacks in a tree of three levels, every other block freed at the end.
void write_wide(trace_writer& to) {
    trace_module program;
    program.path = "/bin/demo";
    program.bytes = 0x10000000;
    to.define_module(1, program);
    std::uint64_t time = 0, address = 0x7f0000000000;
    const auto below = [&](std::uint32_t parent, std::uint64_t place) { return to.define_stack(0, parent, {1, place}); };
    for (std::uint64_t i = 0; i < 35; ++i) {
        const auto outer = below(trace_stacks::unknown, 0x1000 + 16 * i);
        for (std::uint64_t k = 0; k < 35; ++k) {
            const auto middle = below(outer, 0x100000 + 16 * (35 * i + k));
            for (std::uint64_t n = 0; n < 33; ++n, address += 1024) {
                const auto stack = below(middle, 0x1000000 + 16 * (33 * (35 * i + k) + n));
                to.write({.time_ns = time += 100, .address = address, .size = 1 + (i * k + n) % 1000, .stack = stack, .kind = event_kind::malloc});
            }
        }
    }
    for (std::uint64_t at = 0x7f0000000000; at < address; at += 2048)
        to.write({.time_ns = time += 100, .address = at, .kind = event_kind::free});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const std::string scenario = argv[1];
    const std::uint64_t events = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 40'000;
    trace_writer::subject about{.command_line = {"demo", "--of", scenario == "grown" ? "more" : "a trace"}, .executable = {}, .process = 4242};
    if (scenario == "hostile") about.command_line = hostile_command();
    if (scenario == "callers" || scenario == "grown" || scenario == "wide" || scenario == "findings" || scenario == "long") about.stack_depth = 64;
    about.tells_memory = scenario == "findings";
    auto to = trace_writer::create(argv[2], about);
    if (!to) {
        std::fprintf(stderr, "%s\n", to.error().c_str());
        return 1;
    }
    if (scenario == "known" || scenario == "hostile") write_known(to);
    if (scenario == "busy") write_busy(to, events, 6);
    if (scenario == "single") write_busy(to, events, 1);
    if (scenario == "crowd") write_busy(to, events, 700);
    if (scenario == "callers" || scenario == "grown") write_callers(to, scenario == "grown");
    if (scenario == "findings") write_findings(to);
    if (scenario == "wide") write_wide(to);
    if (scenario == "long") write_long(to, events);
    if (scenario == "one") to.write({.time_ns = 5, .address = 0x1000, .size = 1, .kind = event_kind::malloc});
    to.name_thread(0, scenario == "hostile" ? "<img src=x a>" : "main");
    return to.close(scenario == "known" ? 20'000 : 0) ? 0 : 1;
}
