// bench/launcher/measure.cpp - run one command and report what it cost.
//
// Why not Python: a child's ru_maxrss starts from the resident set of the process that it was forked from, so a
// 10 MiB interpreter would hide everything smaller. This program is static and has well under 1 MiB resident.
//
// Usage:  measure [--report-fd N] [--preload LIB] [--timeout S] [--repeat N] -- PROGRAM ARGS...
// Report: one JSON line: seconds, user, sys, max_rss_kib, minor_faults, major_faults, status (128+n for signal n).
//         With --repeat the times and faults are sums and max_rss_kib is the largest.

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

struct settings {
    int report_fd = 2;
    const char* preload = nullptr;
    unsigned timeout = 120;
    int repeat = 1;
    char** command = nullptr;
};

struct cost {
    double seconds = 0, user = 0, sys = 0;
    long max_rss_kib = 0, minor_faults = 0, major_faults = 0;
    int status = 0;
};

volatile pid_t running = 0;

void stop_running(int) {
    if (running > 0) kill(-running, SIGKILL);
}

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

double now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

[[noreturn]] void become(const settings& s) {
    setpgid(0, 0);                       // so that a timeout ends the command's own children as well
    prctl(PR_SET_PDEATHSIG, SIGKILL);    // nothing outlives a runner that was interrupted
    if (s.preload && *s.preload) setenv("LD_PRELOAD", s.preload, 1);
    execvp(s.command[0], s.command);
    perror(s.command[0]);
    _exit(127);
}

bool run_once(const settings& s, cost& sum) {
    const double start = now();
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) become(s);
    running = child;
    alarm(s.timeout);
    int status = 0;
    rusage used{};
    while (wait4(child, &status, 0, &used) < 0) {}  // only EINTR is possible: the child is ours
    alarm(0);
    running = 0;
    sum.seconds += now() - start;
    sum.user += seconds(used.ru_utime);
    sum.sys += seconds(used.ru_stime);
    if (used.ru_maxrss > sum.max_rss_kib) sum.max_rss_kib = used.ru_maxrss;
    sum.minor_faults += used.ru_minflt;
    sum.major_faults += used.ru_majflt;
    sum.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

bool parse(int argc, char** argv, settings& s) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!std::strcmp(argv[i], "--")) {
            s.command = argv + i + 1;
            return true;
        }
        if (!std::strcmp(argv[i], "--report-fd")) s.report_fd = std::atoi(argv[i + 1]);
        else if (!std::strcmp(argv[i], "--preload")) s.preload = argv[i + 1];
        else if (!std::strcmp(argv[i], "--timeout")) s.timeout = static_cast<unsigned>(std::atoi(argv[i + 1]));
        else if (!std::strcmp(argv[i], "--repeat")) s.repeat = std::atoi(argv[i + 1]);
        else return false;
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    settings s;
    if (!parse(argc, argv, s)) {
        std::fputs("usage: measure [--report-fd N] [--preload LIB] [--timeout S] [--repeat N] -- PROGRAM ARGS...\n", stderr);
        return 2;
    }
    struct sigaction action {};
    action.sa_handler = stop_running;
    sigaction(SIGALRM, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // nor does this program outlive its runner
    cost sum;
    for (int i = 0; i < s.repeat && sum.status == 0; ++i) {
        if (!run_once(s, sum)) return 1;
    }
    dprintf(s.report_fd,
            "{\"seconds\": %.6f, \"user\": %.6f, \"sys\": %.6f, \"max_rss_kib\": %ld, \"minor_faults\": %ld, "
            "\"major_faults\": %ld, \"status\": %d}\n",
            sum.seconds, sum.user, sum.sys, sum.max_rss_kib, sum.minor_faults, sum.major_faults, sum.status);
    return sum.status;
}
