// Byte limits: above the soft one nothing free is kept, above the hard one memory is refused; both while threads run.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cerrno>

#include "ashlar/malloc/control.hpp"
#include "expect.hpp"

namespace {

using ashlar::malloc::figure;
namespace keys = ashlar::malloc::keys;
constexpr size_t mib = 1 << 20;

void the_hard_limit_refuses_and_heals() {
    EXPECT(keys::hard_limit_bytes.set(24 * mib) == ashlar::malloc::setting_error::none);
    for (const size_t size : {size_t{64}, size_t{3000}, size_t{50'000}, size_t{600'000}, 5 * mib}) {
        void* first = nullptr;
        size_t granted = 0;
        errno = 0;
        while (void** p = static_cast<void**>(malloc(size))) {
            *p = first;
            first = p;
            granted += size;
            EXPECT(granted < 30 * mib);
        }
        EXPECT(errno == ENOMEM);
        EXPECT(granted > 12 * mib);  // what the sizes before left behind is given back first
        EXPECT(figure("resident_bytes").value <= 24 * mib);
        if (first != nullptr) EXPECT(realloc(first, 40 * mib) == nullptr);
        while (first != nullptr) {
            void* const next = *static_cast<void**>(first);
            free(first);
            first = next;
        }
    }
    EXPECT(keys::hard_limit_bytes.set(0) == ashlar::malloc::setting_error::none);
    void* const big = malloc(40 * mib);
    EXPECT(big != nullptr);
    free(big);
}

void* fill(void*) {
    void* first = nullptr;
    for (size_t i = 0; i < 30'000; ++i) {
        const size_t size = 16 + i * 37 % 2000;
        void** const p = static_cast<void**>(malloc(size));
        if (p == nullptr) break;
        memset(p, 1, size);
        *p = first;
        first = p;
    }
    const uint64_t seen = figure("resident_bytes").value;
    while (first != nullptr) {
        void* const next = *static_cast<void**>(first);
        free(first);
        first = next;
    }
    return seen > 17 * mib ? &errno : nullptr;  // what eight threads ask for at one moment may pass it
}
void threads_share_the_limit() {
    EXPECT(keys::hard_limit_bytes.set(16 * mib) == ashlar::malloc::setting_error::none);
    pthread_t threads[8];
    for (pthread_t& t : threads) EXPECT(pthread_create(&t, nullptr, &fill, nullptr) == 0);
    for (pthread_t t : threads) {
        void* too_much = nullptr;
        EXPECT(pthread_join(t, &too_much) == 0);
        EXPECT(too_much == nullptr);
    }
    EXPECT(keys::hard_limit_bytes.set(0) == ashlar::malloc::setting_error::none);
}

pthread_barrier_t at_once;
void* ask_for_much(void*) {
    for (int round = 0; round < 30; ++round) {
        pthread_barrier_wait(&at_once);
        void* p = malloc(round % 2 == 0 ? 5 * mib : 3 * mib);
        pthread_barrier_wait(&at_once);
        EXPECT(figure("resident_bytes").value <= 16 * mib);
        pthread_barrier_wait(&at_once);
        free(p);
    }
    return nullptr;
}
void large_blocks_never_pass_it() {
    EXPECT(keys::hard_limit_bytes.set(16 * mib) == ashlar::malloc::setting_error::none);
    pthread_barrier_init(&at_once, nullptr, 8);
    pthread_t threads[8];
    for (pthread_t& t : threads) EXPECT(pthread_create(&t, nullptr, &ask_for_much, nullptr) == 0);
    for (pthread_t t : threads) EXPECT(pthread_join(t, nullptr) == 0);
    EXPECT(keys::hard_limit_bytes.set(0) == ashlar::malloc::setting_error::none);
}

void the_soft_limit_keeps_nothing_free() {
    EXPECT(keys::purge_delay_ms.set(-1) == ashlar::malloc::setting_error::none);
    EXPECT(keys::soft_limit_bytes.set(8 * mib) == ashlar::malloc::setting_error::none);
    void* blocks[30];
    for (void*& p : blocks) memset(p = malloc(mib), 1, mib);
    EXPECT(figure("resident_bytes").value >= 30 * mib);  // it refuses nothing
    for (void* p : blocks) free(p);
    void* const one = malloc(500'000);
    EXPECT(figure("resident_bytes").value <= 8 * mib);
    free(one);
}

}  // namespace

int main() {
    the_hard_limit_refuses_and_heals();
    threads_share_the_limit();
    large_blocks_never_pass_it();
    the_soft_limit_keeps_nothing_free();
}
