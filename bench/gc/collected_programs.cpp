// bench/gc/collected_programs.cpp - one program on one memory: collected_programs PROGRAM MEMORY SIZE prints a line of JSON.
//
// SIZE is the headroom of a collected heap in bytes, or the divisor of libgc. Peak memory is the kernel's high-water mark.
#include <ctime>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "programs.hpp"

namespace {

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

long peak_kib() {
    char line[256];
    long kib = 0;
    std::FILE* const f = std::fopen("/proc/self/status", "r");
    if (f == nullptr) return 0;
    while (std::fgets(line, sizeof line, f) != nullptr) {
        if (std::strncmp(line, "VmHWM:", 6) == 0) kib = std::strtol(line + 6, nullptr, 10);
    }
    std::fclose(f);
    return kib;
}

template <class M>
struct program {
    const char* name;
    std::uint64_t (*run)(M&);
};
template <class M>
std::uint64_t nothing(M&) { return 0; }

/// By address, and so each is compiled as any function is: what only main calls is compiled for size.
template <class M>
constexpr program<M> programs[] = {{"gcbench", &gcbench<M>::run},     {"binary-trees", &binary_trees<M>::run},
                                   {"splay", &splay<M>::run},         {"quads", &quads<M>::run},
                                   {"lists", &lists<M>::run},         {"arrays", &arrays<M>::run},
                                   {"interning", &interning<M>::run}, {"nothing", &nothing<M>}};

template <class M>
int run(const char* program, std::size_t bytes) {
    const auto found = std::find_if(std::begin(programs<M>), std::end(programs<M>), [&](const auto& p) { return std::strcmp(p.name, program) == 0; });
    if (found == std::end(programs<M>)) return 2;
    M m(bytes);
    const double begin = cpu_seconds();
    const std::uint64_t sum = found->run(m);
    std::printf("{\"seconds\": %.6f, \"peak_kib\": %ld, \"collections\": %zu, \"sum\": \"%llx\"}\n", cpu_seconds() - begin, peak_kib(),
                m.collections(), static_cast<unsigned long long>(sum));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const auto bytes = static_cast<std::size_t>(std::strtoull(argv[3], nullptr, 10));
    if (std::strcmp(argv[2], "ashlar") == 0) return run<collected>(argv[1], bytes);
    if (std::strcmp(argv[2], "generational") == 0) return run<generational>(argv[1], bytes);
#if ASHLAR_PEER_LIBGC
    if (std::strcmp(argv[2], "libgc") == 0) return run<conservative>(argv[1], bytes);
#endif
    if (std::strcmp(argv[2], "malloc") == 0) return run<freed_by_hand>(argv[1], bytes);
    return 2;
}
