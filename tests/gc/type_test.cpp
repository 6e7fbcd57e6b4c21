#include "ashlar/gc/type.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"

using namespace ashlar;

namespace {

struct thing {
    gc::member<thing> next;
    static constexpr auto gc_members = gc::members(&thing::next);
};
struct part {
    gc::member<thing> inner;
    void trace(auto& visit) const { visit(inner); }
};
struct all_kinds {
    gc::member<thing> one, several[2][2];
    part nested;
    std::vector<gc::member<thing>> list;
    std::map<int, gc::member<thing>> table;
    std::optional<gc::member<thing>> perhaps;
    int number = 0;
    void trace(auto& visit) const { visit(one, several, nested, list, table, perhaps, number); }
};

struct counting final : gc::detail::slot_visitor {
    void slot(gc::detail::reference& r) noexcept override { n += r.target != nullptr; }
    int n = 0;
};

struct rooted_to_its_place {
    rooted_to_its_place() = default;
    rooted_to_its_place(const rooted_to_its_place&) = delete;
    void trace(auto&) const {}
};

}  // namespace

template <>
inline constexpr bool gc::leaf<std::string> = true;

TEST_CASE("type: references are found in members, arrays, parts, containers and optionals", "[gc][type]") {
    gc::heap h({.zeal = {.collect = true, .poison = true}});
    const auto t = h.make<all_kinds>();
    t->one = h.make<thing>();
    t->several[1][0] = h.make<thing>();
    t->nested.inner = h.make<thing>();
    t->list.push_back(h.make<thing>());
    t->list.push_back(h.make<thing>());
    t->table[3] = h.make<thing>();
    t->perhaps = h.make<thing>();
    t->table[3]->next = h.make<thing>();
    counting c;
    gc::detail::descriptor_of<all_kinds>.each_slot(t.get(), c);
    CHECK(c.n == 7);
    CHECK(h.verify());
    h.collect();
    CHECK(h.verify());
    CHECK(t->table[3]->next);
}

TEST_CASE("type: what has no references is a leaf, and costs the marker no call", "[gc][type]") {
    CHECK(gc::detail::descriptor_of<int>.mark == nullptr);
    CHECK(gc::detail::descriptor_of<std::string>.mark == nullptr);
    CHECK(gc::detail::descriptor_of<std::string>.destroy != nullptr);
    CHECK(gc::detail::descriptor_of<thing>.mark != nullptr);
    CHECK(gc::detail::descriptor_of<thing>.destroy == nullptr);
}

TEST_CASE("type: an object is moved by its move constructor, or stays", "[gc][type]") {
    CHECK(gc::detail::descriptor_of<int>.relocate == nullptr);
    CHECK(gc::detail::descriptor_of<all_kinds>.movable == std::is_nothrow_move_constructible_v<all_kinds>);
    CHECK_FALSE(gc::detail::descriptor_of<rooted_to_its_place>.movable);
    alignas(std::string) std::byte room[64];
    auto* const text = ::new (room + 8) std::string("moved to where it overlaps itself");
    gc::detail::descriptor_of<std::string>.relocate(room, text);
    auto* const now = reinterpret_cast<std::string*>(room);
    CHECK(*now == "moved to where it overlaps itself");
    now->~basic_string();
}
