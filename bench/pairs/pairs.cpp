// pairs - nanoseconds of one malloc and one free: a thousand random slots of 16 to 527 bytes, each freed and filled anew.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

int main() {
    constexpr int slots = 1000, pairs = 2'000'000;
    static void* held[slots];
    std::uint32_t random = 1;
    const auto turn = [&](int count) {
        for (int i = 0; i < count; ++i) {
            random = random * 1664525 + 1013904223;
            void*& slot = held[(random >> 10) % slots];
            free(slot);
            slot = malloc(16 + (random >> 20) % 512);
            *static_cast<volatile char*>(slot) = 1;
        }
    };
    turn(pairs / 10);
    const auto begin = std::chrono::steady_clock::now();
    turn(pairs);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    std::printf("%.3f\n", took.count() / pairs);
}
