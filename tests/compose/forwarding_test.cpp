#include "ashlar/compose/forwarding.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <type_traits>

using namespace ashlar;

namespace {
std::string said;

struct heap {
    std::byte bytes[64];
    result<block> allocate(layout) noexcept { return said += "allocate ", block{bytes, 64}; }
    void deallocate(std::byte*, layout) noexcept { said += "deallocate "; }
    result<block> grow_in_place(std::byte*, layout, layout) noexcept { return said += "grow ", alloc_error{}; }
    result<block> shrink_in_place(std::byte* p, layout, layout) noexcept { return said += "shrink ", block{p, 64}; }
    result<block> reallocate(std::byte* p, layout, layout, std::size_t) noexcept { return said += "move ", block{p, 64}; }
    result<block> allocate_zeroed(layout) noexcept { return said += "zero ", block{bytes, 64}; }
    void reset() noexcept { said += "reset "; }
    void trim() noexcept { said += "trim "; }
    bool available(layout) const noexcept { return true; }
};

/// Says nothing.
struct silent : forwarding<silent, heap> {
    explicit silent(heap& h) noexcept : up(h) {}
    heap& upstream() const noexcept { return up; }
    heap& up;
};
/// Says every word, and admits up to 10 bytes.
struct loud : forwarding<loud, heap> {
    explicit loud(heap& h) noexcept : up(h) {}
    heap& upstream() const noexcept { return up; }
    bool admits(layout l) noexcept { return said += "admits ", l.size() <= 10; }
    bool would_admit(layout l) const noexcept { return l.size() <= 10; }
    result<block> granted(result<block> r, layout) noexcept { return said += "granted ", r; }
    bool admits_resize(const resize_request& r) noexcept { return said += "admits-resize ", r.now.size() <= 10; }
    result<block> resized(result<block> r, const resize_request&) noexcept { return said += r ? "resized " : "not-resized ", r; }
    void leaving(std::byte*, layout) noexcept { said += "leaving "; }
    result<block> refused(layout) noexcept { return said += "refused ", alloc_error{}; }
    void forgotten() noexcept { said += "forgotten "; }
    heap& up;
};

template <class A>
std::string played(std::size_t size) {
    heap h;
    A a(h);
    said.clear();
    const layout one = *layout::make(1, 1), l = *layout::make(size, 1);
    static_cast<void>(a.allocate(l));
    static_cast<void>(a.allocate_zeroed(l));
    static_cast<void>(a.grow_in_place(h.bytes, one, l));
    static_cast<void>(a.shrink_in_place(h.bytes, l, l));
    static_cast<void>(a.reallocate(h.bytes, one, l, 1));
    a.deallocate(h.bytes, l);
    a.trim();
    a.reset();
    return said + (a.available(l) ? "available" : "not available");
}
}  // namespace

TEST_CASE("forwarding: reaches every operation of the upstream, where nothing is said", "[compose][forwarding]") {
    CHECK(played<silent>(20) == "allocate zero grow shrink move deallocate trim reset available");
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<silent>);
}

TEST_CASE("forwarding: one word before and one after each operation", "[compose][forwarding]") {  // forwarding.I1
    CHECK(played<loud>(10) ==
          "admits allocate granted admits zero granted admits-resize grow not-resized admits-resize shrink resized "
          "admits-resize move resized leaving deallocate trim forgotten reset available");
}

TEST_CASE("forwarding: what is not admitted does not reach the upstream", "[compose][forwarding]") {
    CHECK(played<loud>(20) ==
          "admits refused admits refused admits-resize refused admits-resize refused admits-resize refused "
          "leaving deallocate trim forgotten reset not available");
}
