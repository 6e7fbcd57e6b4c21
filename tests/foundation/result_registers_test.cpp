#include <catch2/catch.hpp>
#include <cstdint>

#include "ashlar/foundation/result.hpp"

// result.I1 in the generated code. The functions below are called through a signature that the machine's calling
// convention is known to return in two registers (an integer of two words). Were result<block> returned through
// memory, the callee would take a hidden pointer as its first argument, and what came back would be neither word.

namespace {

__extension__ using two_words = unsigned __int128;

[[gnu::noinline]] ashlar::result<ashlar::block> grant(std::byte* p, std::size_t size) {
    asm volatile("");  // the call must happen as the convention says
    return ashlar::block{p, size};
}
[[gnu::noinline]] ashlar::result<ashlar::block> refuse(std::byte*, std::size_t) {
    asm volatile("");
    return ashlar::alloc_error{};
}

using as_result = ashlar::result<ashlar::block> (*)(std::byte*, std::size_t);
using as_words = two_words (*)(std::byte*, std::size_t);

[[gnu::noinline]] __attribute__((no_sanitize("undefined"))) two_words call(as_result function, std::byte* p, std::size_t size) {
    as_words same = nullptr;
    static_assert(sizeof same == sizeof function);
    __builtin_memcpy(&same, &function, sizeof same);
    asm volatile("" : "+r"(same));  // hides that it is the same function under another type
    return same(p, size);
}

}  // namespace

TEST_CASE("result_registers: result<block> is returned in two registers", "[foundation][result]") {
#if defined(__x86_64__) || defined(__aarch64__)
    std::byte room[8];
    const auto words = call(&grant, room, 0x1234);
    CHECK(static_cast<std::uintptr_t>(words) == reinterpret_cast<std::uintptr_t>(room));
    CHECK(static_cast<std::uintptr_t>(words >> 64) == 0x1234);
    CHECK(static_cast<std::uintptr_t>(call(&refuse, room, 7)) == 0);
#else
    WARN("no calling convention with two return registers is known here");
#endif
}
