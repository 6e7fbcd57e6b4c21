// The one main() of every test program: compiled once and shared, because Catch's own code takes seconds to compile.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

// The laws ask for absurd sizes: a sanitizer must refuse them, as malloc does, and not end the program.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }
