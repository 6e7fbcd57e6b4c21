// bench/recorder/read.cpp - read TRACE...: how long the reader takes to tell all events of a trace, in their order.
//
// Whatever is done with events comes on top. To compare: zstd -3 TRACE; time zstd -d of that file.
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "ashlar/observe/trace_reader.hpp"

namespace {

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

bool read(const char* path) {
    const auto begin = std::chrono::steady_clock::now();
    const double cpu_before = cpu_seconds();
    auto reader = ashlar::trace_reader::open(std::string(path));
    if (!reader) {
        std::fprintf(stderr, "%s\n", reader.error().c_str());
        return false;
    }
    std::uint64_t events = 0, releases = 0;
    while (const ashlar::event* e = reader.next()) {
        ++events;
        releases += ashlar::releases(e->kind);
    }
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const double cpu = cpu_seconds() - cpu_before;
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const double ns = 1e9 / static_cast<double>(events == 0 ? 1 : events);
    std::printf("%s: %llu events, %llu releases; %.3f s, %.3f s CPU; an event %.1f ns, %.1f ns CPU; %ld MiB\n", path,
                static_cast<unsigned long long>(events), static_cast<unsigned long long>(releases), wall, cpu, wall * ns, cpu * ns,
                used.ru_maxrss / 1024);
    return true;
}

}  // namespace

int main(int count, char** paths) {
    bool all = count > 1;
    for (int i = 1; i < count; ++i) all = read(paths[i]) && all;
    return all ? 0 : 1;
}
