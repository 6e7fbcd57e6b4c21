// tests/support/erased_laws.hpp - the law suite on a type-erased allocator: compiled once, for any number of types.
//
// ASHLAR_ENROL_ERASED(name, factory, statements...) is ASHLAR_ENROL for test-compose, at a fiftieth of its compile time:
// the kit is compiled for ashlar/testing/erased.hpp alone, in tests/compose/compositions_test.cpp.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ashlar/testing/claims.hpp"
#include "ashlar/testing/erased.hpp"
#include "ashlar/testing/ground.hpp"

namespace ashlar::tests {

using erased_maker = std::function<testing::erased(testing::ground&)>;
using erased_statement = std::function<void(testing::claims<testing::erased>&)>;

enum class thoroughness : std::uint8_t { brief, full };

/// Tries the laws; every one that is broken is a failed check. Defined in tests/compose/compositions_test.cpp.
void enrol_erased(const std::string& name, const erased_maker& make, const std::vector<erased_statement>& said,
                  thoroughness how = thoroughness::full);

/// `make(ground&)` returns an allocator, or an object whose top() is one.
template <class Make>
erased_maker erase(Make make, bool walks = true) {
    return [make, walks](testing::ground& g) { return testing::erased::of([&] { return make(g); }, walks); };
}

inline erased_maker erase(erased_maker make) { return make; }

template <class Make, class... Statements>
void enrol_any(const char* name, Make make, Statements... said) {
    enrol_erased(name, erase(make), {erased_statement(said)...});
}

}  // namespace ashlar::tests

#define ASHLAR_ENROL_ERASED(name, ...)                                             \
    TEST_CASE(name ": keeps every law that its abilities imply", "[laws]") {       \
        ::ashlar::tests::enrol_any(name, __VA_ARGS__);                             \
    }                                                                              \
    static_assert(true)
