/* The program that recorder_test.cpp records. What each mode does is known to the last call; nothing here uses stdio,
   which would allocate on its own. subject MODE [NUMBER]
   Long: a mode is a few lines, and they share what they need. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern void free_sized(void*, size_t) __attribute__((weak));
extern void free_aligned_sized(void*, size_t, size_t) __attribute__((weak));

static void* volatile keep;
static volatile size_t too_large = (size_t)PTRDIFF_MAX + 1; /* volatile: the compiler would warn */

static void must(int true_thing) {
    if (!true_thing) _exit(99);
}

/* One call of each kind, with sizes that name the kind; and a refusal of each that can be refused. */
static void all_kinds(void) {
    void* p = malloc(1001);
    p = realloc(p, 100003);
    p = reallocarray(p, 10, 104);
    must(reallocarray(p, too_large, 3) == NULL && errno == ENOMEM);
    must(realloc(p, too_large) == NULL);
    free(p);
    p = calloc(10, 102);
    free(p);
    must(calloc(too_large, 3) == NULL);
    must(posix_memalign(&p, 64, 1005) == 0 && (uintptr_t)p % 64 == 0);
    free(p);
    keep = p = NULL;
    must(posix_memalign(&p, 24, 1006) == EINVAL && p == NULL);
    p = aligned_alloc(128, 1280);
    must((uintptr_t)p % 128 == 0);
    free(p);
    p = memalign(256, 1007);
    must((uintptr_t)p % 256 == 0 && malloc_usable_size(p) >= 1007);
    free(p);
    p = valloc(1008);
    free(p);
    p = pvalloc(1009);
    free(p);
    must(free_sized != NULL && free_aligned_sized != NULL);
    free_sized(malloc(1010), 1010);
    free_aligned_sized(aligned_alloc(64, 1024), 64, 1024);
    free(NULL);
    p = realloc(NULL, 1011);
    keep = realloc(p, 0); /* glibc frees it */
    errno = 12345;
    free(malloc(0));
    must(errno == 12345);
    keep = malloc(too_large);
}

/* malloc and free `n` times with a few live blocks. */
static void churn(long n, unsigned seed) {
    void* ring[16] = {0};
    for (long i = 0; i < n; ++i) {
        seed = seed * 1664525u + 1013904223u;
        void** place = &ring[(seed >> 20) % 16];
        free(*place);
        *place = malloc(1 + (seed >> 8) % 500);
    }
    for (int i = 0; i < 16; ++i) free(ring[i]);
}

/* Blocks from a few bytes to many pages, a part of them kept, some moved: what a sample has to estimate. */
static void mixed(long n) {
    unsigned seed = 7;
    for (long i = 0; i < n; ++i) {
        seed = seed * 1664525u + 1013904223u;
        const size_t size = (seed >> 28) == 0 ? 5000 + (seed >> 12) % 60000 : 1 + (seed >> 10) % 700;
        void* p = malloc(size);
        if ((seed >> 20) % 8 == 0) p = realloc(p, 2 * size);
        if ((seed >> 24) % 16 == 0) keep = p;
        else free(p);
    }
}

static void* churn_thread(void* seed) {
    pthread_setname_np(pthread_self(), "churner");
    churn(20000, (unsigned)(uintptr_t)seed);
    return NULL;
}

static void run_threads(int n, void* (*body)(void*)) {
    pthread_t id[64];
    for (int i = 0; i < n; ++i) must(pthread_create(&id[i], NULL, body, (void*)(uintptr_t)i) == 0);
    for (int i = 0; i < n; ++i) pthread_join(id[i], NULL);
}

static void* little_thread(void* unused) {
    (void)unused;
    free(malloc(77));
    return NULL;
}

/* Blocks pass from thread to thread; moving them passes their addresses on as well. */
static void* volatile box[8];
static long granted; /* how many depends on who meets whom */
static void* trade_thread(void* seed) {
    unsigned x = (unsigned)(uintptr_t)seed * 77u + 1;
    for (int i = 0; i < 30000; ++i) {
        x = x * 1664525u + 1013904223u;
        void* mine = __atomic_exchange_n(&box[(x >> 20) % 8], NULL, __ATOMIC_ACQ_REL);
        const int moved = mine != NULL && x % 3 == 0;
        if (mine == NULL || moved) __atomic_fetch_add(&granted, 1, __ATOMIC_RELAXED);
        if (mine == NULL) mine = malloc(1 + (x >> 8) % 2000);
        else if (moved) mine = realloc(mine, 1 + (x >> 9) % 4000);
        void* other = __atomic_exchange_n(&box[(x >> 16) % 8], mine, __ATOMIC_ACQ_REL);
        free(other);
        if (i % 8 == 0) sched_yield(); /* on few CPUs nobody would meet anybody */
    }
    return NULL;
}

static pthread_key_t key;
static void late_destructor(void* p) {
    free(p);
    free(malloc(55)); /* after other destructors have run */
}
static void* key_thread(void* unused) {
    pthread_setspecific(key, malloc(44));
    return unused;
}

static void wait_for(pid_t child, int expected) {
    int status = 0;
    must(waitpid(child, &status, 0) == child);
    must(WIFEXITED(status) && WEXITSTATUS(status) == expected);
}

/* next_malloc.c calls this in the middle of malloc: as a signal handler would that interrupts it. */
static jmp_buf back;
static int jumps;
void interrupt_malloc(void);
void interrupt_malloc(void) {
    if (jumps) longjmp(back, 1);
    free(malloc(10));
}

static void at_exit(void) { free(malloc(66)); }

static char* name_of_program;
static char* argument = "";
static long n; /* the argument as a number */

static void mode_churn(void) { churn(n, 1); }
static void mode_mixed(void) { mixed(n); }
static void mode_threads(void) { run_threads((int)n, churn_thread); }
static void mode_trade(void) {
    run_threads((int)n, trade_thread);
    for (int i = 0; i < 8; ++i) free(box[i]);
    free(malloc(1000000 + (size_t)granted)); /* the trace itself tells the number */
}
static void mode_little(void) {
    for (long i = 0; i < n; ++i) run_threads(1, little_thread);
}
static void mode_key(void) {
    pthread_key_create(&key, late_destructor);
    run_threads(1, key_thread);
}
static void mode_fork(void) {
    void* inherited = malloc(11);
    const pid_t child = fork();
    if (child == 0) {
        free(inherited);
        free(malloc(22));
        exit(3);
    }
    wait_for(child, 3);
    free(inherited);
}
static void mode_rawfork(void) {
    free(malloc(11));
    const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        churn(n, 5);
        syscall(SYS_exit_group, 4);
    }
    churn(n, 6);
    wait_for(child, 4);
}
static void mode_vfork(void) {
    free(malloc(11));
    const pid_t child = vfork();
    if (child == 0) {
        keep = malloc(33); /* the parent's memory, and so the parent's event */
        _exit(5);
    }
    wait_for(child, 5);
    free(keep);
}
static void mode_forkthreads(void) {
    pthread_t other;
    pthread_create(&other, NULL, churn_thread, (void*)9);
    for (int i = 0; i < 20; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            free(malloc(22));
            _exit(6);
        }
        wait_for(child, 6);
    }
    pthread_join(other, NULL);
}
static void mode_exec(void) {
    free(malloc(11));
    if (n > 0) {
        char left[16] = {(char)('0' + n - 1), 0};
        execl("/proc/self/exe", name_of_program, "exec", left, (char*)NULL);
        _exit(98);
    }
    free(malloc(12));
}
static void mode_spawn(void) {
    free(malloc(11));
    const pid_t child = vfork();
    if (child == 0) {
        execl("/proc/self/exe", name_of_program, "churn", "100", (char*)NULL);
        _exit(98);
    }
    wait_for(child, 0);
}
static void mode_closefds(void) {
    free(malloc(11));
    for (int fd = 0; fd < 5000; ++fd) close(fd);
    int fds[64]; /* and takes every number again */
    for (int i = 0; i < 64; ++i) fds[i] = open("/dev/null", O_RDWR);
    for (int fd = 900; fd < 4100; ++fd) dup2(fds[0], fd);
    churn(n, 1);
}
static void mode_kill(void) {
    churn(n, 1);
    kill(getpid(), SIGKILL);
}
static void mode__exit(void) {
    churn(n, 1);
    _exit(0);
}
static void mode_abort(void) {
    churn(n, 1);
    abort();
}
static void mode_quick_exit(void) {
    churn(n, 1);
    quick_exit(0);
}
static void mode_atexit(void) { atexit(at_exit); }
static void mode_interrupt(void) {
    free(malloc(31337));
    jumps = 1;
    if (setjmp(back) == 0) free(malloc(31337));
    churn(n, 1);
}
static void mode_dlopen(void) {
    void* library = dlopen(argument, RTLD_NOW);
    must(library != NULL);
    void* (*f)(size_t) = (void* (*)(size_t))dlsym(library, "allocate_for_me");
    free(f(88));
    dlclose(library);
}
static void mode_maps(void) {
    char* p = mmap(NULL, 40960, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED);
    must(mmap(p + 8192, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 8192);
    must(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
    must(munmap(p + 1, 4096) == -1 && errno == EINVAL);
    must(munmap(p, 8000) == 0);
    char* q = mremap(p + 16384, 24576, 1 << 20, MREMAP_MAYMOVE);
    must(q != MAP_FAILED);
    const int file = open("/proc/self/exe", O_RDONLY);
    must(mmap(NULL, 100, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) != MAP_FAILED);
    close(file);
    void* library = dlopen(argument, RTLD_NOW);
    must(library != NULL && dlopen("/no/such/library", RTLD_NOW) == NULL && dlerror() != NULL);
    dlclose(library);
    dlclose(dlopen(NULL, RTLD_LAZY));
}
static void mode_forever(void) {
    for (;;) churn(1000, 1);
}

#define MODE(name) {#name, mode_##name}
static const struct {
    const char* name;
    void (*run)(void);
} modes[] = {{"kinds", all_kinds}, MODE(churn),    MODE(threads), MODE(trade),      MODE(little),
             MODE(key),            MODE(fork),     MODE(rawfork), MODE(vfork),      MODE(forkthreads),
             MODE(exec),           MODE(spawn),    MODE(closefds), MODE(kill),      MODE(_exit),
             MODE(abort),          MODE(quick_exit), MODE(atexit), MODE(interrupt), MODE(dlopen),
             MODE(forever),        MODE(mixed),    MODE(maps)};

int main(int argc, char** argv) {
    name_of_program = argv[0];
    if (argc > 2) argument = argv[2];
    n = atol(argument);
    for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof modes[0]; ++i) {
        if (strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run();
            return 0;
        }
    }
    return 97;
}
