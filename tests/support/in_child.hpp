// Runs an act in a forked child, for acts that spoil the process: resource limits, crashes, locked memory.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace support {

struct child_end {
    int status;  ///< what the act returned, -1 if it was killed
    int signal;  ///< what killed it, 0 if nothing did
};

/// @pre act returns an int in [0, 255]; it uses no Catch macro (the child has no report)
template <class Act>
child_end in_child(Act act) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);  // a child that hangs is killed, and the test fails
        _exit(act());
    }
    int state = 0;
    waitpid(child, &state, 0);
    return WIFEXITED(state) ? child_end{WEXITSTATUS(state), 0} : child_end{-1, WTERMSIG(state)};
}

}  // namespace support
