#include "ashlar/ownership/counted_block.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "ashlar/ownership/rc.hpp"
#include "ledger.hpp"

using namespace ashlar;
using namespace owners;

namespace {

struct open {
    virtual ~open() = default;
};
template <class T, class A>
constexpr std::size_t header_bytes = sizeof(typename counted_block<T, A, local_counts>::header);

struct alignas(256) vast {
    std::string text = "vast";
};

// Drops its children when it is destroyed, and says how deep destructors are nested.
struct tracer {
    rc<tracer, ledger> left, right;
    weak_rc<tracer, ledger> parent;
    int* deepest;
    static inline int depth = 0;

    explicit tracer(int* d) : deepest(d) {}
    ~tracer() {
        ++depth;
        if (depth > *deepest) *deepest = depth;
        left.reset();
        right.reset();
        --depth;
    }
};

}  // namespace

TEST_CASE("counted_block: the header is 8 bytes, and 8 more for each thing that cannot be known otherwise",
          "[ownership][counted_block]") {
    STATIC_REQUIRE(header_bytes<int, public_ledger> == 8);
    STATIC_REQUIRE(header_bytes<int, region> == 8);
    STATIC_REQUIRE(header_bytes<open, region> == 8);
    STATIC_REQUIRE(header_bytes<int, ledger> == 16);
    STATIC_REQUIRE(header_bytes<open, public_ledger> == 16);
    STATIC_REQUIRE(header_bytes<int[], public_ledger> == 16);
    STATIC_REQUIRE(header_bytes<int[], ledger> == 24);
    STATIC_REQUIRE(header_bytes<open, ledger> == 24);
}

TEST_CASE("counted_block: counts stand right in front of the value, whatever its alignment", "[ownership][counted_block]") {
    ledger a;
    {
        const auto v = make_rc<vast>(a).value();
        CHECK(reinterpret_cast<std::uintptr_t>(v.get()) % 256 == 0);
        CHECK(v->text == "vast");
        CHECK(a.live_bytes() == 512);
    }
    CHECK(a.settled());
}

TEST_CASE("counted_block: destructors of one type never nest, with weak handles or without", "[ownership][counted_block]") {
    ledger a;
    int deepest = 0;
    for (const bool with_parents : {false, true}) {
        {  // a tree of 1023 nodes
            auto root = make_rc<tracer>(a, &deepest).value();
            const auto grow = [&](const auto& self, rc<tracer, ledger>& at, int levels) -> void {
                if (levels == 0) return;
                for (rc<tracer, ledger>* child : {&at->left, &at->right}) {
                    *child = make_rc<tracer>(a, &deepest).value();
                    if (with_parents) (*child)->parent = at;
                    self(self, *child, levels - 1);
                }
            };
            grow(grow, root, 9);
            CHECK(a.live() == 1023);
        }
        CHECK(deepest == 1);
        CHECK(a.settled());
    }
}
