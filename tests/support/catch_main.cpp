// The one main() of every test program: compiled once and shared, because Catch's own code takes seconds to compile.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
