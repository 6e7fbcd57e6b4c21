// A program that has freed all and does not call malloc any more: its memory falls all the same, in a child of fork too.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "expect.hpp"

namespace {

constexpr size_t block = 96 * 1024, blocks = 600;

/// KiB that are resident; without malloc, which would purge by itself.
long resident() {
    char text[128] = {};
    const int file = open("/proc/self/statm", O_RDONLY);
    EXPECT(read(file, text, sizeof text - 1) > 0);
    close(file);
    return atol(strchr(text, ' ')) * sysconf(_SC_PAGESIZE) / 1024;
}

void peak_and_silence() {
    static void* all[blocks];
    for (void*& p : all) memset(p = malloc(block), 1, block);
    EXPECT(resident() > static_cast<long>(block * blocks / 1024));
    for (void* p : all) free(p);
    for (int tenths = 0; tenths < 20 && resident() > 12 * 1024; ++tenths) {
        const timespec tenth{0, 100'000'000};
        nanosleep(&tenth, nullptr);
    }
    EXPECT(resident() <= 12 * 1024);  // two seconds; without the thread the limit of retain_bytes would stay
}

}  // namespace

int main() {
    peak_and_silence();
    const pid_t child = fork();
    if (child == 0) {
        peak_and_silence();
        _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
