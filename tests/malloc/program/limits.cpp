// Under a limit of address space: refusals are null and ENOMEM, in several threads at once, and after frees memory is
// there again.
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <new>
#include <thread>
#include <utility>

#include "expect.hpp"

namespace {

struct link {
    link* next;
};

/// Takes blocks until there are none. @returns how many bytes there were
size_t fill_and_free(size_t size) {
    link* all = nullptr;
    size_t bytes = 0;
    for (;;) {
        errno = 0;
        auto* p = static_cast<link*>(malloc(size));
        if (p == nullptr) break;
        p->next = all;
        all = p;
        bytes += size;
    }
    EXPECT(errno == ENOMEM);
    while (all != nullptr) {
        link* const next = all->next;
        free(all);
        all = next;
    }
    return bytes;
}

int under(size_t mib) {
    const rlimit limit{mib << 20, mib << 20};
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    for (const size_t size : {size_t{64}, size_t{3000}, size_t{50'000}, size_t{400'000}, size_t{5'000'000},
                              size_t{20'000'000}, size_t{64}, size_t{5'000'000}}) {
        const size_t first = fill_and_free(size);
        const size_t second = fill_and_free(size);
        EXPECT(first > (mib << 20) / 2);  // whatever sizes were used before
        EXPECT(second >= first / 4 * 3);  // what was freed can be had again
    }
    return 0;
}

int threads_under(size_t mib) {
    std::thread threads[8];
    for (auto& t : threads) {
        t = std::thread([] {
            for (int i = 0; i < 3; ++i) static_cast<void>(fill_and_free(1000 + static_cast<size_t>(i) * 30'000));
        });
    }
    const rlimit limit{mib << 20, mib << 20};
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    for (auto& t : threads) t.join();
    return 0;
}

/// operator new says it by bad_alloc, or null where it must not throw.
int objects_under(size_t mib) {
    const rlimit limit{mib << 20, mib << 20};
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    for (int round = 0; round < 3; ++round) {
        link* all = nullptr;
        bool refused = false;
        while (!refused) {
            try {
                all = ::new (::operator new(100'000)) link{all};
            } catch (const std::bad_alloc&) {
                refused = true;
            }
        }
        EXPECT(::operator new(100'000, std::nothrow) == nullptr);
        while (all != nullptr) ::operator delete(std::exchange(all, all->next));
    }
    return 0;
}

/// A block grows into what small ones have left, where there is not room for two of it.
int growth_under(size_t mib) {
    const rlimit limit{mib << 20, mib << 20};
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    auto* p = static_cast<char*>(malloc(8'000'000));
    EXPECT(p != nullptr);
    memset(p, 7, 8'000'000);
    static_cast<void>(fill_and_free(100));
    for (size_t size = 12'000'000; size < (mib << 20) / 2; size += 4'000'000) {
        p = static_cast<char*>(realloc(p, size));
        EXPECT(p != nullptr);
    }
    for (size_t i = 0; i < 8'000'000; i += 1000) EXPECT(p[i] == 7);
    free(p);
    return 0;
}

/// What is reserved leaves room for what the C library reserves: stacks, files, libraries.
int threads_fit_into(size_t mib) {
    const rlimit limit{mib << 20, mib << 20};
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    std::thread threads[4];  // 8 MiB of stack each
    for (auto& t : threads) t = std::thread([] { free(malloc(100'000)); });
    for (auto& t : threads) t.join();
    return 0;
}

template <class F>
void in_child(F f) {
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(100);
        _exit(f());
    }
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT(status == 0);
}

}  // namespace

int main(int argc, char**) {
    if (argc > 1) return threads_fit_into(64);
    in_child([] { return under(200); });
    in_child([] { return under(64); });
    in_child([] { return threads_under(200); });
    in_child([] { return objects_under(64); });
    in_child([] { return growth_under(64); });
    // The limit is there from the start of the program, as after ulimit -v.
    in_child([] {
        const rlimit limit{64 << 20, 64 << 20};
        EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
        execl("/proc/self/exe", "limits", "fit", static_cast<char*>(nullptr));
        return 1;
    });
}
