// tests/fuzz/trace_seeds.cpp - small traces of every shape, for the fuzzer to begin with. trace_seeds FOLDER
#include <cstdio>

#include "../observe/trace_support.hpp"

namespace {

/// The writer's files without their unused space: the fuzzer would spend its time there.
void shorten(const std::string& path) {
    const std::vector<char> bytes = trace_support::bytes_of(path);
    std::size_t end = bytes.size();
    while (end > 0 && bytes[end - 1] == 0) --end;
    std::filesystem::resize_file(path, end);
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
        shorten(path);
        std::filesystem::copy_file(path, folder / ("trace" + std::to_string(seed)));
    }
    return 0;
}
