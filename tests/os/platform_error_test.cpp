// What the platform writes to standard error.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

#include "ashlar/os/platform.hpp"

namespace os = ashlar::os;

TEST_CASE("platform: write_error writes the text to standard error and keeps errno", "[os][platform_error]") {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const int kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    errno = 5;
    os::write_error("ashlar: a line\n", 15);
    CHECK(errno == 5);
    close(ends[1]);
    dup2(kept, STDERR_FILENO);
    char text[64]{};
    CHECK(read(ends[0], text, sizeof text) == 15);
    CHECK(std::string(text) == "ashlar: a line\n");
    close(ends[0]);
    close(kept);
}

TEST_CASE("platform: a kept standard error is written to after the program closed it, and nothing else is",
          "[os][platform_error]") {
    int ends[2], own[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(pipe(own) == 0);
    const pid_t child = fork();  // what is kept stays kept
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        os::keep_standard_error();
        close(STDERR_FILENO);
        os::write_error("seen", 4);
        for (int number = 3; number < 200; ++number) {  // a program that takes every number for a file of its own
            if (number != own[1]) dup2(own[1], number);
        }
        os::write_error("lost", 4);
        _exit(0);
    }
    close(ends[1]);
    close(own[1]);
    char text[64]{};
    CHECK(read(ends[0], text, sizeof text) == 4);
    CHECK(std::string(text) == "seen");
    CHECK(read(ends[0], text, sizeof text) == 0);
    CHECK(read(own[0], text, sizeof text) == 0);
    close(ends[0]);
    close(own[0]);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("platform: what cannot be written to standard error is dropped", "[os][platform_error]") {
    const int kept = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    os::write_error("lost", 4);
    dup2(kept, STDERR_FILENO);
    close(kept);
    CHECK(write(STDERR_FILENO, "", 0) == 0);  // it came back, and standard error is whole
}
