// tests/observe/recorder/recording.hpp - run a program under the recorder and look at what it left.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "../trace_support.hpp"

namespace recording {

using trace_support::scratch_folder;

/// How a program is run.
struct run {
    std::vector<std::string> command;
    std::string trace = "";                 ///< ASHLAR_TRACE; "" leaves it out
    std::string preload = ASHLAR_RECORD;
    std::function<void()> before_exec = {};  ///< in the child
};

struct ended {
    int status = 0;            ///< as waitpid tells it
    std::string said;          ///< on standard error
    int exit_code() const { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
    int signal() const { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
};

inline ended execute(const run& what) {
    int out[2];
    if (pipe(out) != 0) std::abort();
    std::vector<char*> arguments;
    for (const auto& a : what.command) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        dup2(out[1], 2);
        close(out[0]);
        close(out[1]);
        if (!what.trace.empty()) setenv("ASHLAR_TRACE", what.trace.c_str(), 1);
        if (!what.preload.empty()) setenv("LD_PRELOAD", what.preload.c_str(), 1);
        alarm(100);  // whatever hangs is ended
        if (what.before_exec) what.before_exec();
        execv(arguments[0], arguments.data());
        _exit(96);
    }
    close(out[1]);
    ended e;
    char part[512];
    for (ssize_t n; (n = read(out[0], part, sizeof part)) > 0;) e.said.append(part, static_cast<std::size_t>(n));
    close(out[0]);
    waitpid(child, &e.status, 0);
    return e;
}

/// A trace read to its end.
struct contents {
    ashlar::trace_info info;
    ashlar::trace_health health;
    std::vector<ashlar::event> events;
    std::vector<std::string> names;  ///< of the threads
    std::vector<std::string> texts;  ///< that events name, in their order
    std::string error;

    explicit contents(const std::string& path) {
        ashlar::trace_reader r = ashlar::trace_reader::open(path);
        error = r.error();
        if (!r) return;
        events = trace_support::all_events(r);
        info = r.info();
        health = r.health();
        for (const auto& e : events) {
            if (names_text(e.kind)) texts.emplace_back(r.text(e.size));
        }
        for (std::uint32_t t = 0; t < info.threads; ++t) names.emplace_back(r.thread_name(t));
    }
    std::map<ashlar::event_kind, int> counts(int thread = -1) const {
        std::map<ashlar::event_kind, int> n;
        for (const auto& e : events) {
            if (thread < 0 || e.thread == static_cast<std::uint32_t>(thread)) ++n[e.kind];
        }
        return n;
    }
    int count(ashlar::event_kind k, int thread = -1) const { return counts(thread)[k]; }
    /// How many requests of that size there are.
    int of_size(std::uint64_t size) const {
        return static_cast<int>(std::count_if(events.begin(), events.end(), [=](const ashlar::event& e) {
            return requests(e.kind) && e.size == size;
        }));
    }
};

inline std::vector<std::string> files_in(const scratch_folder& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace recording
