// p0089 - the experiments of "On Quantifying Memory-Allocation Strategies" with our parts and std::pmr's, side by side.
//
// Usage:  p0089 [rounds]
// Output: one JSON object per line: experiment, case, memory, ms of processor time of every round, peak over active bytes.
// Every cell runs in a process of its own, so that no allocator inherits another's heap; rounds are interleaved: every
// memory runs once before any runs again.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "../toolkit/rounds.hpp"
#include "experiments.hpp"

using namespace p0089;

namespace {

struct measure {
    double milliseconds;
    std::size_t peak;  // 0: not known
};

double processor_milliseconds() {  // of all threads
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto in_ms = [](timeval t) { return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3; };
    return in_ms(used.ru_utime) + in_ms(used.ru_stime);
}

template <class Work>
measure measured_apart(Work work) {
    int ends[2];
    if (pipe(ends) != 0) std::exit(1);
    const pid_t child = fork();
    if (child == 0) {
        const double begin = processor_milliseconds();
        work();
        const measure found{processor_milliseconds() - begin, most};
        _exit(write(ends[1], &found, sizeof found) == sizeof found ? 0 : 1);
    }
    close(ends[1]);
    measure found{};
    const bool told = read(ends[0], &found, sizeof found) == sizeof found;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (!told || status != 0) {
        std::fputs("p0089: a cell did not end well\n", stderr);
        std::exit(1);
    }
    return found;
}

int rounds = 3;

/// One row: cell<Memory>(note) notes what each memory takes, once or with and without a variation.
template <class Cell>
void row(const char* experiment, const std::string& what, std::size_t active, Cell cell) {
    std::map<std::string, std::pair<std::vector<double>, std::size_t>> found;
    std::vector<std::string> order;
    const auto note = [&](const std::string& name, measure m) {
        if (!found.contains(name)) order.push_back(name);
        found[name].first.push_back(m.milliseconds);
        found[name].second = m.peak;
    };
    for (int round = 0; round < rounds; ++round) {
        for_each_memory([&]<class Memory> { cell.template operator()<Memory>(note); });
    }
    for (const auto& name : order) {
        const auto& [ms, peak] = found[name];
        std::printf("{\"experiment\": \"%s\", \"case\": \"%s\", \"memory\": \"%s\", \"peak\": %.4f, ", experiment,
                    what.c_str(), name.c_str(), active == 0 ? 0.0 : static_cast<double>(peak) / static_cast<double>(active));
        bench::print_rounds("ms", ms);
    }
    std::fflush(stdout);
}

template <class Shape>
void growth() {
    for (const std::size_t size : {16u, 256u, 4096u, 65536u}) {
        row("growth", std::string(Shape::name) + " of " + std::to_string(size), 0, [&]<class Memory>(auto note) {
            const std::size_t elements = 1u << 17;
            note(Memory::name, measured_apart([&] { grow<Memory, Shape>(size, elements, false); }));
            if constexpr (Memory::ends_all_at_once) {
                note(std::string(Memory::name) + ", dropped", measured_apart([&] { grow<Memory, Shape>(size, elements, true); }));
            }
        });
    }
}

void locality() {
    constexpr std::size_t nodes = 1u << 18;
    for (const auto& [systems, churn, walks] : {std::tuple<std::size_t, int, int>{16, 0, 16}, {16, 4, 16}, {256, 4, 16},
                                                {256, 4, 2}, {16384, 4, 16}}) {
        row("locality", std::to_string(systems) + " lists, " + std::to_string(churn) + " moves a node, " + std::to_string(walks) + " walks",
            0, [&]<class Memory>(auto note) {
                const std::string name = Memory::name;
                if (systems > 1000 && name.find("segregated") == 0) return;  // 64 KiB each at least
                if (systems > 1000 && name.find("synchronized") != name.npos) return;  // a thread's key each: a process has 1,024
                note(Memory::name, measured_apart([&] { static_cast<void>(walk_lists<Memory>(systems, nodes, churn, walks)); }));
            });
    }
}

void utilisation() {
    constexpr std::size_t active = 4u << 20, total = 64u << 20;
    for (std::size_t size = 64; size <= 32768; size *= 2) {
        row("utilisation", std::to_string(size) + " bytes", active, [&]<class Memory>(auto note) {
            note(Memory::name, measured_apart([&] { turn_over<Memory>(total, active, size); }));
        });
    }
}

void contention() {
    for (const std::size_t threads : {1u, 2u}) {
        for (const std::size_t size : {64u, 256u, 1024u}) {
            row("contention", std::to_string(threads) + (threads == 1 ? " thread, " : " threads, ") + std::to_string(size) + " bytes", 0,
                [&]<class Memory>(auto note) {
                    if (Memory::ends_all_at_once && std::string(Memory::name).find(" on ") == std::string::npos &&
                        std::string(Memory::name) != "arena") {
                        return;  // it would never use a block again, and hold all that was ever asked for
                    }
                    note(Memory::name, measured_apart([&] { contend<Memory>(threads, 1u << 18, size); }));
                });
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    rounds = argc > 1 ? std::atoi(argv[1]) : 3;
    if (rounds <= 0) {
        std::fputs("usage: p0089 [rounds > 0]\n", stderr);
        return 2;
    }
    growth<vector_of_int>();
    growth<vector_of_string>();
    growth<set_of_int>();
    growth<set_of_string>();
    growth<set_of_sets>();
    locality();
    utilisation();
    contention();
}
