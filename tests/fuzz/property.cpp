// tests/fuzz/property.cpp - a target as a property of RapidCheck: bytes of its making, and what breaks is shortened before it is shown.
#include <rapidcheck.h>

#include <vector>

#include "bytes.hpp"

int main() {
    const bool good = rc::check("what any bytes do agrees with the model", [](const std::vector<std::uint8_t>& any) {
        fuzz::interpret(fuzz::bytes(any));
    });
    return good ? 0 : 1;
}
