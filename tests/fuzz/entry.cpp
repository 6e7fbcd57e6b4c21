// tests/fuzz/entry.cpp - a target as libFuzzer calls it, and AFL++ by its driver for the same function.
#include <cstdio>
#include <cstdlib>

#include "bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        fuzz::interpret(fuzz::bytes(std::span(data, size)));
    } catch (const fuzz::broken& claim) {
        std::fprintf(stderr, "broken: %s\n", claim.what());
        std::abort();
    }
    return 0;
}
