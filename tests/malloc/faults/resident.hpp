// ashlar/tests/malloc/faults/resident.hpp - how much memory the program has at this moment.
#pragma once

#include <unistd.h>

#include <cstdio>

#include "../program/expect.hpp"

namespace faults {

inline long resident_kib() {
    long pages = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    EXPECT(file != nullptr && std::fscanf(file, "%*d %ld", &pages) == 1);
    std::fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

}  // namespace faults
