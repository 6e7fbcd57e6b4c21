// See process.hpp. The forwarded signals are blocked from before the child exists until it is gone, and taken
// one by one by sigwaitinfo: nothing is lost between, and no handler runs.
#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/core.h>

#include "failure.hpp"

namespace ashlar::app {
namespace {

sigset_t forwarded() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT}) sigaddset(&set, number);
    return set;
}

std::vector<char*> pointers(const std::vector<std::string>& arguments) {
    std::vector<char*> list;
    for (const auto& argument : arguments) list.push_back(const_cast<char*>(argument.c_str()));
    list.push_back(nullptr);
    return list;
}

failure cannot_start(const std::string& path, int error) {
    const int status = error == ENOENT ? not_found : not_executable;
    return {status, fmt::format("{}: cannot be executed: {}", path, std::strerror(error))};
}

ending from_status(int status) {
    if (WIFSIGNALED(status)) return {true, WTERMSIG(status)};
    return {false, WEXITSTATUS(status)};
}

class spawn_settings {
public:
    explicit spawn_settings(const start_options& options, const sigset_t& mask) {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        posix_spawnattr_setsigmask(&attributes, &mask);
        int target = 0;
        for (const int source : {options.input, options.output, options.error}) {
            if (source >= 0) posix_spawn_file_actions_adddup2(&actions, source, target);
            ++target;
        }
        for (const auto& [source, number] : options.descriptors) posix_spawn_file_actions_adddup2(&actions, source, number);
    }
    ~spawn_settings() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    spawn_settings(const spawn_settings&) = delete;
    spawn_settings& operator=(const spawn_settings&) = delete;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

sigset_t mask_before_start;  // what the user had; the child gets it back

}  // namespace

std::string describe(const ending& how) {
    if (!how.by_signal) return fmt::format("exit status {}", how.number);
    return fmt::format("killed by signal {} ({})", how.number, strsignal(how.number));
}

void become(const std::string& path, const std::vector<std::string>& arguments, environment& variables) {
    execve(path.c_str(), pointers(arguments).data(), variables.data());
    throw cannot_start(path, errno);
}

pid_t start(const std::string& path, const std::vector<std::string>& arguments, environment& variables,
            const start_options& options) {
    sigset_t blocked = forwarded();
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, options.in_our_place ? &blocked : nullptr, &mask_before_start);
    const spawn_settings settings(options, mask_before_start);
    pid_t child = 0;
    const int error = posix_spawn(&child, path.c_str(), &settings.actions, &settings.attributes,
                                  pointers(arguments).data(), variables.data());
    if (error == 0) return child;
    sigprocmask(SIG_SETMASK, &mask_before_start, nullptr);
    throw cannot_start(path, error);
}

ending wait_and_forward(pid_t child) {
    sigset_t awaited = forwarded();
    sigaddset(&awaited, SIGCHLD);
    int status = 0;
    for (;;) {
        if (waitpid(child, &status, WNOHANG) == child) break;
        siginfo_t info{};
        const int number = sigwaitinfo(&awaited, &info);
        // si_code > 0: from the kernel, so from the terminal, which has told the child too.
        if (number > 0 && number != SIGCHLD && info.si_code <= 0) kill(child, number);
    }
    sigprocmask(SIG_SETMASK, &mask_before_start, nullptr);
    return from_status(status);
}

ending wait_at_most(pid_t child, std::uint64_t milliseconds) {
    const int handle = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    pollfd watched{handle, POLLIN, 0};
    const int limit = milliseconds > INT_MAX ? INT_MAX : static_cast<int>(milliseconds);
    if (handle >= 0 && poll(&watched, 1, limit) == 0) kill(child, SIGKILL);
    if (handle >= 0) close(handle);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return from_status(status);
}

void leave_like(const ending& how) {
    std::fflush(nullptr);
    if (how.by_signal) {
        const rlimit no_core{0, 0};  // the program has left its own core where one was wanted
        setrlimit(RLIMIT_CORE, &no_core);
        signal(how.number, SIG_DFL);
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, how.number);
        sigprocmask(SIG_UNBLOCK, &only, nullptr);
        raise(how.number);
        _exit(128 + how.number);
    }
    _exit(how.number);
}

}  // namespace ashlar::app
