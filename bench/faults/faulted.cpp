// faulted [LIMIT_MIB] - mixed requests of a malloc that the system refuses calls, each block's content checked.
//
// Prints one word: `absorbed` when no request was refused, `refused` when some were (and errno said why), `corrupted` when a
// block did not hold what was put there, or a refusal came without its errno. It begins with a call of getppid: the calls
// before it are those of the loader and of the malloc's start, and the runner leaves them alone. With a limit of address
// space it takes all there is, gives it back, and tells whether three quarters of that can be had again: `recovered` or `lost`.
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <initializer_list>

#include "../../tests/malloc/faults/pattern.hpp"

using namespace faults;

namespace {

constexpr std::size_t sizes[] = {24, 100, 700, 5000, 30'000, 64'000, 300'000, 1'500'000, 6'000'000};
bool any_refused = false;

[[noreturn]] void say(const char* word) {
    if (write(1, word, std::strlen(word)) < 0) _exit(9);
    _exit(0);
}
held checked(void* p, std::size_t size) {
    const held b{static_cast<unsigned char*>(p), size};
    if (p == nullptr) {
        any_refused = true;
        return {};
    }
    fill(b);
    return b;
}
held take(numbers& next) {
    std::size_t kind = next.below(9);
    if (kind > 5 && !next.one_in(6)) kind -= 4;
    const std::size_t size = 1 + next.below(sizes[kind]);
    if (next.one_in(4)) {
        void* const p = calloc(1, size);
        if (p != nullptr && !all_zero(static_cast<unsigned char*>(p), size)) say("corrupted");
        return checked(p, size);
    }
    if (next.one_in(4)) {
        void* p = nullptr;
        return posix_memalign(&p, std::size_t{16} << next.below(10), size) == 0 ? checked(p, size) : checked(nullptr, 0);
    }
    return checked(malloc(size), size);
}
void resize(numbers& next, held& b) {
    const std::size_t size = 1 + next.below(b.size + b.size / 2 + 100);
    auto* const q = static_cast<unsigned char*>(realloc(b.p, size));
    if (q == nullptr) {
        any_refused = true;
        if (!intact(b)) say("corrupted");
        return;
    }
    if (!intact(b, q, size < b.size ? size : b.size)) say("corrupted");
    b = {q, size};
    fill(b);
}
void work() {
    numbers next(7);
    static held live[60];
    for (int i = 0; i < 4000; ++i) {
        held& b = live[next.below(60)];
        if (b.p == nullptr) {
            b = take(next);
        } else if (next.one_in(3)) {
            resize(next, b);
        } else {
            if (!intact(b)) say("corrupted");
            free(b.p);
            b = {};
        }
    }
    for (held& b : live) {
        if (b.p != nullptr && !intact(b)) say("corrupted");
        free(b.p);
    }
}
/// All of the address space in blocks of a size. @returns how many there were; all are free again
std::size_t hoard(std::size_t size) {
    static held got[100'000];
    std::size_t count = 0;
    for (; count < 100'000; ++count) {
        held& b = got[count];
        b = {static_cast<unsigned char*>(malloc(size)), size};
        if (b.p == nullptr) break;
        fill({b.p, size < 64 ? size : 64});  // what a page fault would cost is not what is asked here
        b.p[size - 1] = 7;
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (got[i].p[size - 1] != 7) say("corrupted");
        free(got[i].p);
    }
    return count;
}
[[noreturn]] void limited(rlim_t mib) {
    const rlimit limit{mib << 20, mib << 20};
    setrlimit(RLIMIT_AS, &limit);
    for (const std::size_t size : {std::size_t{4000}, std::size_t{100'000}, std::size_t{3'000'000}}) {
        const std::size_t first = hoard(size);
        if (first == 0 || hoard(size) < first - first / 4) say("lost");
    }
    // Blocks of another size get what those gave back.
    void* const large = malloc((mib << 20) * 3 / 8);
    say(large != nullptr ? "recovered" : "lost for larger blocks");
}

}  // namespace

int main(int argc, char** argv) {
    free(malloc(100));
    syscall(SYS_getppid);
    if (argc > 1) limited(static_cast<rlim_t>(atol(argv[1])));
    work();
    say(any_refused ? "refused" : "absorbed");
}
