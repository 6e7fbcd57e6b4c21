// bench/gc/collected_programs.cpp - one program on one memory: collected_programs PROGRAM MEMORY SIZE prints a line of JSON.
//
// SIZE is the headroom of a collected heap in bytes, or the divisor of libgc. Peak memory is the kernel's high-water mark.
#include <ctime>

#include <cstdio>
#include <cstdlib>
#include <cstring>

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
int run(const char* program, std::size_t bytes) {
    M m(bytes);
    const double begin = cpu_seconds();
    std::uint64_t sum = 0;
    if (std::strcmp(program, "gcbench") == 0) sum = gcbench<M>::run(m);
    else if (std::strcmp(program, "binary-trees") == 0) sum = binary_trees<M>::run(m);
    else if (std::strcmp(program, "splay") == 0) sum = splay<M>::run(m);
    else if (std::strcmp(program, "quads") == 0) sum = quads<M>::run(m);
    else if (std::strcmp(program, "lists") == 0) sum = lists<M>::run(m);
    else if (std::strcmp(program, "arrays") == 0) sum = arrays<M>::run(m);
    else if (std::strcmp(program, "interning") == 0) sum = interning<M>::run(m);
    else if (std::strcmp(program, "nothing") != 0) return 2;
    std::printf("{\"seconds\": %.6f, \"peak_kib\": %ld, \"collections\": %zu, \"sum\": \"%llx\"}\n", cpu_seconds() - begin, peak_kib(),
                m.collections(), static_cast<unsigned long long>(sum));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const auto bytes = static_cast<std::size_t>(std::strtoull(argv[3], nullptr, 10));
    if (std::strcmp(argv[2], "ashlar") == 0) return run<collected>(argv[1], bytes);
#if ASHLAR_PEER_LIBGC
    if (std::strcmp(argv[2], "libgc") == 0) return run<conservative>(argv[1], bytes);
#endif
    if (std::strcmp(argv[2], "malloc") == 0) return run<freed_by_hand>(argv[1], bytes);
    return 2;
}
