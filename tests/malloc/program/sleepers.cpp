// What a thread allocated and others freed goes back though it sleeps: when somebody asks, and by itself; and threads that
// fall asleep and wake at any moment, while somebody asks all the time, lose nothing.
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "expect.hpp"

namespace {

/// KiB that are resident; without malloc.
long resident() {
    char text[128] = {};
    const int file = open("/proc/self/statm", O_RDONLY);
    EXPECT(read(file, text, sizeof text - 1) > 0);
    close(file);
    return atol(strchr(text, ' ')) * sysconf(_SC_PAGESIZE) / 1024;
}

constexpr size_t table_size = 120'000, entry_size = 100;  // 12 MB
char* table[table_size];

void fill() {
    for (char*& p : table) memset(p = static_cast<char*>(malloc(entry_size)), 1, entry_size);
}
void clear() {
    for (char* p : table) free(p);
}

void* clear_and_trim(void* passed) {
    const long before = resident();
    clear();
    malloc_trim(0);
    *static_cast<bool*>(passed) = resident() < before - 8000;
    return nullptr;
}

/// Takes what the sleeper no longer uses instead of more from the system.
void* clear_and_go_on(void* passed) {
    const long before = resident();
    clear();
    constexpr size_t most = 80'000;
    static char* mine[most];
    for (size_t i = 0; i < most; ++i) {
        memset(mine[i] = static_cast<char*>(malloc(entry_size)), 1, entry_size);
        if (i % 1000 == 0) usleep(6000);
    }
    *static_cast<bool*>(passed) = resident() < before + 4000;
    for (char* p : mine) free(p);
    return nullptr;
}

void others_clear_what_a_sleeper_filled(void* (*other)(void*)) {
    fill();
    bool well = false;
    pthread_t thread{};
    EXPECT(pthread_create(&thread, nullptr, other, &well) == 0);
    pthread_join(thread, nullptr);  // this thread sleeps
    EXPECT(well);
    fill();
    clear();
}

struct shelf {
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    unsigned char* blocks[400] = {};
} shelf;
std::atomic<bool> over{false};

unsigned next(unsigned& state) { return state = state * 1'664'525u + 1'013'904'223u, state >> 8; }

void* live_and_sleep(void* passed) {
    auto state = static_cast<unsigned>(reinterpret_cast<size_t>(passed));
    while (!over) {
        for (unsigned i = next(state) % 3000; i > 0; --i) {
            const size_t size = 16 + next(state) % (next(state) % 20 == 0 ? 6000 : 300);
            auto* p = static_cast<unsigned char*>(malloc(size));
            memset(p, static_cast<int>(size % 251), size);
            memcpy(p, &size, sizeof size);
            unsigned char*& place = shelf.blocks[next(state) % 400];
            pthread_mutex_lock(&shelf.lock);
            unsigned char* const old = place;
            place = p;
            pthread_mutex_unlock(&shelf.lock);
            if (old == nullptr) continue;
            size_t length = 0;
            memcpy(&length, old, sizeof length);
            for (size_t k = sizeof length; k < length; ++k) EXPECT(old[k] == length % 251);
            free(old);
        }
        usleep(next(state) % 300);
    }
    return nullptr;
}

void any_moment() {
    pthread_t threads[4];
    for (size_t i = 0; i < 4; ++i) EXPECT(pthread_create(&threads[i], nullptr, &live_and_sleep, reinterpret_cast<void*>(i + 1)) == 0);
    for (int i = 0; i < 1500; ++i) {
        malloc_trim(0);
        usleep(100);
    }
    over = true;
    for (pthread_t t : threads) pthread_join(t, nullptr);
    for (unsigned char* p : shelf.blocks) free(p);
}

}  // namespace

int main() {
    others_clear_what_a_sleeper_filled(&clear_and_trim);
    others_clear_what_a_sleeper_filled(&clear_and_go_on);
    any_moment();
}
