// Eight threads that fill most of a limit of memory, again and again with blocks of another size: crowd.cpp MIB.
//
// What lives at a moment is three fifths of the limit at most. What malloc keeps of the blocks before must make room, or
// the system ends the program (crowd.py runs it in a control group of that size).
#include <pthread.h>
#include <stdlib.h>

#include "../program/expect.hpp"
#include "pattern.hpp"

using namespace faults;

namespace {

constexpr std::size_t threads = 8;
constexpr std::size_t sizes[] = {6'000'000, 100, 400'000, 3000, 50'000, 1'500'000, 700};
std::size_t share = 0;
pthread_barrier_t all;

struct link {
    link* next;
};

void* body(void*) {
    for (int round = 0; round < 2; ++round) {
        for (const std::size_t size : sizes) {
            link* first = nullptr;
            for (std::size_t bytes = 0; bytes + size <= share; bytes += size) {
                const held b{static_cast<unsigned char*>(malloc(size)), size};
                EXPECT(b.p != nullptr);
                fill(b);
                auto* l = reinterpret_cast<link*>(b.p);
                l->next = first;
                first = l;
            }
            pthread_barrier_wait(&all);
            while (first != nullptr) {
                link* const l = first;
                first = l->next;
                const held b{reinterpret_cast<unsigned char*>(l), size};
                const std::uint64_t word = word_at(key_of(b), 0);
                std::memcpy(b.p, &word, sizeof word);
                EXPECT(intact(b));
                free(b.p);
            }
            pthread_barrier_wait(&all);
        }
    }
    return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    EXPECT(argc == 2);
    share = (strtoul(argv[1], nullptr, 0) << 20) / 5 * 3 / threads;
    EXPECT(share > sizes[0]);
    EXPECT(pthread_barrier_init(&all, nullptr, threads) == 0);
    pthread_t crowd[threads];
    for (auto& thread : crowd) EXPECT(pthread_create(&thread, nullptr, &body, nullptr) == 0);
    for (auto& thread : crowd) pthread_join(thread, nullptr);
}
