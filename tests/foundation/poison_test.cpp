#include "ashlar/foundation/poison.hpp"

#include <catch2/catch.hpp>

#if defined(ASHLAR_ASAN)
#include <sanitizer/asan_interface.h>
#endif

TEST_CASE("poison: AddressSanitizer knows which bytes may not be touched", "[foundation][poison]") {
    alignas(16) static std::byte room[64];
    ashlar::poison(room + 16, 32);
#if defined(ASHLAR_ASAN)
    CHECK(__asan_address_is_poisoned(room + 16));
    CHECK(__asan_address_is_poisoned(room + 47));
    CHECK_FALSE(__asan_address_is_poisoned(room + 15));
    CHECK_FALSE(__asan_address_is_poisoned(room + 48));
#endif
    ashlar::unpoison(room + 16, 32);
#if defined(ASHLAR_ASAN)
    CHECK(__asan_region_is_poisoned(room, 64) == nullptr);
#endif
    room[20] = std::byte{1};
    CHECK(room[20] == std::byte{1});
}
