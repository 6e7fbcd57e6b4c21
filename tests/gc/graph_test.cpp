#include "ashlar/gc/graph.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "ashlar/gc/member.hpp"

using namespace ashlar;

namespace {

struct knot {
    gc::member<knot> one, two;
    std::vector<gc::member<knot>> more;
    void trace(auto& visit) const { visit(one, two, more); }
};

/// What is reachable when `without` is not there.
std::size_t bytes_reached(const std::vector<std::vector<std::size_t>>& to, const std::vector<std::size_t>& from, std::size_t without, std::size_t each) {
    std::vector<bool> seen(to.size());
    std::vector<std::size_t> open;
    std::size_t n = 0;
    const auto look = [&](std::size_t k) {
        if (k == without || seen[k]) return;
        seen[k] = true;
        ++n;
        open.push_back(k);
    };
    for (const std::size_t k : from) look(k);
    while (!open.empty()) {
        const std::size_t k = open.back();
        open.pop_back();
        for (const std::size_t next : to[k]) look(next);
    }
    return n * each;
}

}  // namespace

TEST_CASE("graph: it tells why an object is alive, from the root on and by which members", "[gc][graph]") {
    gc::heap h;
    auto a = h.make<knot>();
    a->one = h.make<knot>();
    a->two = h.make<knot>();
    a->one->two = h.make<knot>();
    a->two->more.push_back(a->one->two);
    h.make<knot>();  // nothing reaches it
    const knot* const last = a->one->two.get();
    const gc::graph g(h);
    REQUIRE(g.objects().size() == 5);
    const auto path = g.why(g.find(last));
    REQUIRE(path.size() == 3);  // graph.I2
    CHECK(g.objects()[path[0]].address == a.get());
    CHECK(g.objects()[path[0]].rooted);
    CHECK(g.objects()[path[1]].place != gc::graph::none);
    const auto& end = g.objects()[path[2]];
    CHECK(end.dominator == path[0]);  // two ways lead to it
    CHECK(end.type.find("knot") != std::string_view::npos);
    CHECK(g.objects()[path[0]].retained == 4 * end.bytes);
    std::size_t unreachable = 0;
    for (std::size_t k = 0; k != 5; ++k) unreachable += g.objects()[k].retained == 0 && g.why(k).empty();  // graph.I1
    CHECK(unreachable == 1);
    CHECK(g.find(&h) == gc::graph::none);
    CHECK(g.why(gc::graph::none).empty());
}

TEST_CASE("graph: what an object retains is what is unreachable without it", "[gc][graph]") {
    std::uint64_t state = 12345;
    const auto below = [&](std::size_t n) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::size_t>((state >> 33) % n);
    };
    for (int round = 0; round != 20; ++round) {
        gc::heap h;
        const std::size_t n = 2 + below(40);
        std::vector<gc::root<knot>> all;
        for (std::size_t k = 0; k != n; ++k) all.push_back(h.make<knot>());
        std::vector<std::vector<std::size_t>> to(n);
        for (std::size_t k = 0; k != n; ++k) {
            if (const auto t = below(n); below(3) != 0) all[k]->one = all[t], to[k].push_back(t);
            if (const auto t = below(n); below(3) == 0) all[k]->more.push_back(all[t]), to[k].push_back(t);
        }
        std::vector<const knot*> address;
        for (const auto& r : all) address.push_back(r.get());
        std::vector<std::size_t> rooted{0};
        if (n > 9) rooted.push_back(9);
        for (std::size_t k = n; k-- != 0;) {
            if (k != 0 && k != 9) all[k] = nullptr;
        }
        const gc::graph g(h);
        const std::size_t each = g.objects()[0].bytes;
        const std::size_t whole = bytes_reached(to, rooted, n, each);
        for (std::size_t k = 0; k != n; ++k) {
            INFO("round " << round << ", object " << k);
            REQUIRE(g.objects()[g.find(address[k])].retained == whole - bytes_reached(to, rooted, k, each));
        }
    }
}

TEST_CASE("graph: written, it has every object, the roots and a map of the tiles", "[gc][graph]") {
    gc::heap h;
    auto a = h.make<knot>();
    a->one = h.make<knot>();
    auto big = h.make_array<char>(100'000);
    const auto written = [&](auto&& what) {
        std::string text;
        what.write([](void* to, const char* s, std::size_t n) { static_cast<std::string*>(to)->append(s, n); }, &text);
        return text;
    };
    const std::string text = written(gc::graph(h));
    const auto count = [&](const char* part) {
        std::size_t n = 0;
        for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
        return n;
    };
    CHECK(count("\"id\":") == 3);
    CHECK(count("\"from\":") == 1);
    CHECK(count("\"dominator\":") == 1);
    CHECK(count("\"used\":[") == 1);
    CHECK(count("knot") == 2);
}
