// ashlar/tests/malloc/program/expect.hpp - a check for programs that run on the malloc under test, without a framework
// that would itself allocate between the steps.
#pragma once

#include <cstdio>
#include <cstdlib>

#define EXPECT(condition)                                                              \
    do {                                                                               \
        if (!(condition)) {                                                            \
            std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                              \
        }                                                                              \
    } while (false)
