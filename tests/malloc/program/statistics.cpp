// What a program is told about its memory: mallinfo2, malloc_info, and our own, while other threads run.
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

#include "ashlar/malloc/malloc.h"
#include "expect.hpp"

namespace {

std::atomic<bool> stop{false};

void* busy(void*) {
    void* held[100]{};
    for (unsigned i = 0; !stop && i < 400'000'000; ++i) {
        void*& slot = held[i * 7 % 100];
        free(slot);
        slot = malloc(i * 31 % 5000);
    }
    for (void* p : held) free(p);
    return nullptr;
}

struct text {
    char bytes[64 * 1024];
    size_t length;
};
text seen;
void keep(void* to, const char* bytes, size_t length) {
    auto* const into = static_cast<text*>(to);
    EXPECT(into->length + length < sizeof into->bytes);
    memcpy(into->bytes + into->length, bytes, length);
    into->length += length;
    into->bytes[into->length] = 0;
}
const char* written(ashlar_stats_format format) {
    seen.length = 0;
    ashlar_malloc_write_stats(format, &keep, &seen);
    return seen.bytes;
}

void mallinfo_adds_up() {
    const struct mallinfo2 before = mallinfo2();
    void* small[200];
    for (void*& p : small) p = malloc(1000);
    void* volatile mapped = malloc(10 << 20);
    const struct mallinfo2 during = mallinfo2();
    EXPECT(during.uordblks == before.uordblks + 200 * 1024);
    EXPECT(during.hblks == before.hblks + 1 && during.hblkhd == before.hblkhd + (10 << 20));
    EXPECT(during.arena == during.uordblks + during.fordblks);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // that its fields are int is what is looked at
    EXPECT(mallinfo().uordblks == static_cast<int>(during.uordblks));
#pragma GCC diagnostic pop
    for (void* p : small) free(p);
    free(mapped);
    EXPECT(mallinfo2().uordblks == before.uordblks && mallinfo2().hblks == before.hblks);
}

void nothing_allocates() {
    ashlar_malloc_statistics before{}, after{};
    ashlar_malloc_stats(&before);
    EXPECT(strstr(written(ashlar_stats_text), "blocks granted") != nullptr);
    EXPECT(strstr(written(ashlar_stats_json), "\"each_heap\":[{\"state\":\"thread\"") != nullptr);
    EXPECT(strstr(written(ashlar_stats_xml), "</malloc>") != nullptr);
    (void)mallinfo2();
    ashlar_malloc_stats(&after);
    EXPECT(before.allocations == after.allocations && before.live_bytes == after.live_bytes);
}

/// What readers of malloc_info look for: the sums behind the last </heap>.
void malloc_info_can_be_read() {
    EXPECT(malloc_info(1, stderr) != 0);
    char* xml = nullptr;
    size_t length = 0;
    FILE* const out = open_memstream(&xml, &length);
    EXPECT(malloc_info(0, out) == 0);
    fclose(out);
    EXPECT(strncmp(xml, "<malloc version=\"1\">", 20) == 0);
    const char* totals = strstr(xml, "</heap>");
    EXPECT(totals != nullptr);
    unsigned long long count = 0, size = 0;
    const char* rest = strstr(totals, "<total type=\"rest\"");
    EXPECT(rest != nullptr && sscanf(rest, "<total type=\"rest\" count=\"%llu\" size=\"%llu\"", &count, &size) == 2);
    EXPECT(size >= count * 16);
    EXPECT(strstr(totals, "<system type=\"current\"") != nullptr && strstr(totals, "<aspace type=\"total\"") != nullptr);
    free(xml);
    FILE* const full = fopen("/dev/full", "w");
    if (full == nullptr) return;
    setvbuf(full, nullptr, _IONBF, 0);
    EXPECT(malloc_info(0, full) == -1);
    fclose(full);
}

void read_while_threads_run() {
    pthread_t threads[3];
    for (pthread_t& t : threads) EXPECT(pthread_create(&t, nullptr, &busy, nullptr) == 0);
    for (int i = 0; i < 300; ++i) {
        ashlar_malloc_statistics s{};
        ashlar_malloc_stats(&s);
        EXPECT(s.live_bytes <= s.used_bytes && s.used_bytes <= s.peak_used_bytes);
        EXPECT(s.heaps >= 1 && s.heaps <= 4);
        const struct mallinfo2 info = mallinfo2();
        EXPECT(info.arena == info.uordblks + info.fordblks);
        if (i % 20 == 0) EXPECT(strstr(written(ashlar_stats_json), "\"options\"") != nullptr);
    }
    stop = true;
    for (pthread_t t : threads) EXPECT(pthread_join(t, nullptr) == 0);
    ashlar_malloc_statistics s{};
    ashlar_malloc_stats(&s);
    EXPECT(s.live_bytes < 1 << 20);
}

// A few frees are not worth a heap; a thread that does nothing else is given one, so that they go home together.
void* free_all(void* to) {
    auto** blocks = static_cast<void**>(to);
    for (; *blocks != nullptr; ++blocks) free(*blocks);
    return nullptr;
}
uint64_t heaps_after_freeing(size_t blocks) {
    static void* list[5001];
    for (size_t i = 0; i < blocks; ++i) list[i] = malloc(64);
    list[blocks] = nullptr;
    pthread_t thread;
    EXPECT(pthread_create(&thread, nullptr, &free_all, list) == 0 && pthread_join(thread, nullptr) == 0);
    ashlar_malloc_statistics s{};
    ashlar_malloc_stats(&s);
    EXPECT(s.live_bytes < 1 << 20);
    return s.heaps;
}
void who_frees_much_has_a_heap() {
    const uint64_t heaps = heaps_after_freeing(1);
    EXPECT(heaps_after_freeing(5) == heaps);
    EXPECT(heaps_after_freeing(5000) == heaps + 1);
}

}  // namespace

int main() {
    mallinfo_adds_up();
    nothing_allocates();
    malloc_info_can_be_read();
    who_frees_much_has_a_heap();
    read_while_threads_run();
}
