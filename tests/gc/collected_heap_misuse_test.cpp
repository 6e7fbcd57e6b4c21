// Mistakes that end a program: each says which rule it broke.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <exception>
#include <new>
#include <stdexcept>

#include "ashlar/gc/collected_heap.hpp"
#include "support/broken_contract.hpp"

using namespace ashlar;

namespace {

struct plain {
    long value = 0;
};
struct angry {
    static constexpr bool gc_leaf = true;
    ~angry() noexcept(false) { throw std::runtime_error("angry"); }
};

}  // namespace

TEST_CASE("collected_heap: one that ends while a root is left breaks its contract there", "[gc][collected_heap]") {
    alignas(gc::heap) static std::byte room[sizeof(gc::heap)];  // its memory is lost: what is left of a broken contract is thrown away
    auto* const h = ::new (room) gc::heap();
    auto* const left = new gc::root<plain>(h->make<plain>());
    CHECK(support::broken_contract([&] { h->~heap(); }).find("slots_in_use() == 0") != std::string::npos);
    CHECK((*left)->value == 0);
    delete left;
}

TEST_CASE("collected_heap: a destructor that throws ends the program", "[gc][collected_heap]") {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::set_terminate([] { _exit(42); });
        gc::heap h;
        h.make<angry>();
        h.collect();
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 42));
}
