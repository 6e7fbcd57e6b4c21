// tests/fuzz/trace_seeds.cpp - small traces of every shape, for the fuzzer to begin with. trace_seeds FOLDER
#include <cstdio>
#include <stdexcept>
#include <string>

#include "../observe/trace_support.hpp"
#include "ashlar/observe/trace_pack.hpp"

namespace {

/// The writer's files without their unused space: the fuzzer would spend its time there.
void shorten(const std::string& path) {
    const std::vector<char> bytes = trace_support::bytes_of(path);
    std::size_t end = bytes.size();
    while (end > 0 && bytes[end - 1] == 0) --end;
    std::filesystem::resize_file(path, end);
}

void pack_copy(const std::string& path, const std::string& packed) {
    std::filesystem::copy_file(path, packed);
    ashlar::packed_size ignored;
    if (const auto why = ashlar::pack_trace(packed, ignored); !why.empty()) throw std::runtime_error(why);
}

/// A history with stacks: of each thread a chain of frames, to which every request adds or goes back.
void write_with_stacks(const std::string& path, std::uint64_t seed) {
    const trace_support::history h(seed, 2, 30);
    ashlar::trace_writer w = ashlar::trace_writer::create(path, {.command_line = {"prog"}, .executable = "/bin/prog", .stack_depth = 16});
    ashlar::trace_module m;
    m.path = "/lib/some.so";
    m.build_id = {1, 2, 3, 4};
    m.bytes = 4096;
    w.define_module(1, m);
    std::uint32_t stacks[2][4] = {};
    for (ashlar::event e : h.events) {
        auto& mine = stacks[e.thread];
        if (requests(e.kind)) {
            std::uint32_t& place = mine[e.size % 4];
            if (place == 0) place = w.define_stack(e.thread, mine[(e.size + 1) % 4], {static_cast<std::uint32_t>(e.size % 2), e.size});
            e.stack = place;
        }
        w.write(e);
    }
    if (seed % 2 == 0) w.close(h.events.back().time_ns);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: trace_seeds FOLDER\n", stderr);
        return 2;
    }
    const std::filesystem::path folder = argv[1];
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    for (std::uint64_t seed = 0; seed < 24; ++seed) {
        const trace_support::history h(seed, static_cast<std::uint32_t>(seed % 4 + 1), 5 + seed * 4);
        const trace_support::scratch_folder scratch;
        const std::string path = trace_support::write_trace(scratch, "t", h.events, seed % 3 != 0);
        if (seed % 3 == 0) pack_copy(path, folder / ("packed" + std::to_string(seed)));
        shorten(path);
        std::filesystem::copy_file(path, folder / ("trace" + std::to_string(seed)));
    }
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        const std::string path = (folder / ("stacks" + std::to_string(seed))).string();
        write_with_stacks(path, seed);
        if (seed % 2 == 0) pack_copy(path, folder / ("packed_stacks" + std::to_string(seed)));
        shorten(path);
    }
    return 0;
}
