// tests/gc/random_program.hpp - a program on a collected heap, and the model that knows what is reachable, compared after every collection.
//
// Which way it goes is asked of Choose, below(n): a random number in the unit test, a byte of the input in tests/fuzz.
// Its claims are written with REQUIRE, CHECK, FAIL and INFO of whoever includes it: Catch's, or those of tests/fuzz/bytes.hpp.
// Long: the program and its model are one list of operations, and the laws of both collections are read off it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/graph.hpp"
#include "ashlar/gc/weak.hpp"

namespace random_program {

using namespace ashlar;

using id = std::size_t;
constexpr std::size_t fan_out = 3;

/// Kinds of one shape: without a destructor, with one, and one too long for the small cursor.
struct any_node {
    explicit any_node(id n) : name(n) {}
    id name;
    gc::member<any_node> out[fan_out];
    gc::member<gc::ephemeron<any_node, any_node>> rule;
    gc::member<gc::array<gc::member<any_node>>> many;
    void trace(auto& visit) const { visit(out, rule, many); }
};
struct plain_node : any_node {
    using any_node::any_node;
};
struct long_node : any_node {
    using any_node::any_node;
    char more[30'000];
};
inline std::map<id, int>* destroyed = nullptr;
struct dying_node : any_node {
    using any_node::any_node;
    dying_node(dying_node&& other) noexcept : any_node(other) { other.name = 0; }
    ~dying_node() {
        if (name == 0) return;  // moved from
        ++(*destroyed)[name];
        for (auto& o : out) CHECK(!o);
        CHECK(!many);
    }
};

struct stuck_node : any_node {
    using any_node::any_node;
    stuck_node(const stuck_node&) = delete;
};

/// Where an object lies, and whether compaction may have moved it.
struct place {
    std::size_t address, granules;
    bool movable;
};
/// Objects by the id of their node, and what they are to it: itself, its rule, its array.
using places = std::map<std::pair<id, char>, place>;

/// What the program did, as ids.
struct model_node {
    id out[fan_out] = {};
    std::optional<std::pair<id, id>> rule;
    std::vector<id> many;
    bool dies = false;
};

/// Choose: below(n) is less than n.
template <class Choose>
class program {
public:
    program(Choose choose, const gc::options& o) : h_(o), choose_(std::move(choose)) { destroyed = &destroyed_; }

    void run(int steps) {
        for (int i = 0; i != steps; ++i) act();
        finish();
    }
    /// As long as there is something to choose by.
    void run_out(int most) {
        while (!choose_.empty() && most-- > 0) act();
        finish();
    }

private:
    void finish() {
        roots_.clear();
        model_roots_.clear();
        pins_.clear();
        h_.collect();
        compare();
        CHECK(h_.stats().live == 0);
    }

    std::size_t below(std::size_t n) { return choose_.below(n); }
    std::size_t any() { return below(roots_.size()); }

    void act() {
        const std::size_t what = roots_.empty() ? 0 : below(22);
        if (what < 6) return make();
        const std::size_t i = any(), j = any(), k = below(fan_out);
        any_node& x = *roots_[i];
        model_node& m = nodes_[x.name];
        if (what < 10) {
            x.out[k] = roots_[j];
            m.out[k] = roots_[j]->name;
        } else if (what < 12) {
            x.out[k] = nullptr;
            m.out[k] = 0;
        } else if (what < 16) {
            return drop(i);
        } else if (what == 16) {
            x.rule = h_.make<gc::ephemeron<any_node, any_node>>(roots_[i % 2 == 0 ? j : i], roots_[any()]);
            roots_[i]->rule = x.rule;
            m.rule = {roots_[i]->rule->get_key()->name, roots_[i]->rule->get_value()->name};
        } else if (what == 17) {
            if (x.out[k]) hold(gc::root<any_node>(x.out[k]));
        } else if (what == 18) {
            auto all = h_.make_array<gc::member<any_node>>(1 + below(below(8) == 0 ? 6000 : 40));
            m.many.assign(all->size(), 0);
            for (std::size_t n = 0; n < all->size(); n += 1 + below(all->size())) {
                (*all)[n] = roots_[any()];
                m.many[n] = (*all)[n]->name;
            }
            roots_[i]->many = all;
        } else if (what == 19) {
            watch(j);
            if (below(4) == 0) collect();
        } else if (what == 20) {
            if (below(3) != 0) pins_.emplace_back(roots_[j]);
            else if (!pins_.empty()) unpin(below(pins_.size()));
        } else if (below(8) == 0) {
            compact();
        } else {
            h_.step(std::chrono::nanoseconds(0));  // the least part of a collection that there is
        }
    }

    void make() {
        const id n = ++last_;
        nodes_[n].dies = false;
        switch (below(4)) {
            case 3: return hold(h_.make<stuck_node>(n));
            case 0: return hold(h_.make<plain_node>(n));
            case 1: return hold(h_.make<long_node>(n));
            default: hold(h_.make<dying_node>(n));
        }
        nodes_[n].dies = true;
    }
    void hold(gc::root<any_node> r) {
        model_roots_.push_back(r->name);
        roots_.push_back(std::move(r));
    }
    void drop(std::size_t i) {
        roots_[i].swap(roots_.back());
        std::swap(model_roots_[i], model_roots_.back());
        roots_.pop_back();
        model_roots_.pop_back();
    }
    void watch(std::size_t j) { weaks_.emplace_back(roots_[j]->name, gc::weak<any_node>(roots_[j])); }

    void collect() {
        h_.collect();
        compare();
    }

    void unpin(std::size_t k) {
        std::vector<gc::pin<any_node>> rest;
        for (std::size_t i = 0; i != pins_.size(); ++i) if (i != k) rest.push_back(pins_[i]);
        pins_.swap(rest);
    }

    void compact() {
        collect();
        const places before = all_places();
        if (below(2) == 0) {
            const bool moved = h_.evacuate(0.1 * static_cast<double>(below(10)));
            compare();
            return check_evacuated(before, all_places(), moved);
        }
        REQUIRE(h_.compact());
        compare();
        check_slide(before, all_places());
    }
    places all_places() {
        places all;
        const auto add = [&](id n, char kind, const void* object) {
            if (object == nullptr || gc::detail::tile_of(object)->large_offset != 0) return;
            const gc::detail::header h = gc::detail::header_of(object);
            all[{n, kind}] = {reinterpret_cast<std::size_t>(object), h.granules(), h.type()->movable};
        };
        for (const auto& [n, x] : found_nodes()) {
            add(n, 'n', x);
            add(n, 'r', x->rule.get());
            add(n, 'm', x->many.get());
        }
        for (const auto& p : pins_) all.at({p->name, 'n'}).movable = false;
        return all;
    }
    /// The law of sliding: order kept, the pinned where they were, and nothing could lie lower with the order kept.
    static void check_slide(const places& before, const places& after) {
        REQUIRE(before.size() == after.size());
        std::map<std::size_t, std::pair<id, char>> old_order;
        std::map<std::size_t, std::size_t> islands;  // begin, end
        std::set<std::size_t> tiles;
        for (const auto& [name, p] : before) {
            if (p.movable) old_order[p.address] = name;
            else islands[p.address] = p.address + p.granules * gc::detail::granule;
            tiles.insert(p.address & ~(gc::detail::tile_size - 1));
            if (!p.movable) REQUIRE(after.at(name).address == p.address);
        }
        for (const auto& [name, p] : after) tiles.insert(p.address & ~(gc::detail::tile_size - 1));  // empty before, maybe
        std::size_t end = 0;  // of the movable object before
        for (const auto& [address, name] : old_order) {
            const place& now = after.at(name);
            REQUIRE(now.address <= address);
            REQUIRE(now.address >= end);
            REQUIRE(lowest(tiles, islands, end, now.granules * gc::detail::granule) == now.address);
            end = now.address + now.granules * gc::detail::granule;
        }
    }
    /// What moved moved down, and is in the order that it was in.
    static void check_evacuated(const places& before, const places& after, bool moved) {
        REQUIRE(before.size() == after.size());
        std::map<std::size_t, std::size_t> by_old;
        for (const auto& [name, p] : before) {
            if (after.at(name).address != p.address) by_old[p.address] = after.at(name).address;
            if (!p.movable) REQUIRE(after.at(name).address == p.address);
        }
        REQUIRE((moved || by_old.empty()));
        std::size_t last = 0;
        for (const auto& [old_address, address] : by_old) {
            REQUIRE(address < old_address);
            REQUIRE(address > last);
            last = address;
        }
    }
    static std::size_t lowest(const std::set<std::size_t>& tiles, const std::map<std::size_t, std::size_t>& islands,
                              std::size_t from, std::size_t bytes) {
        for (const std::size_t t : tiles) {
            std::size_t at = std::max(from, t + gc::detail::first_index * gc::detail::granule);
            const std::size_t tile_end = t + gc::detail::tile_size;
            for (auto i = islands.lower_bound(t); at + bytes <= tile_end; ++i) {
                if (i == islands.end() || at + bytes <= i->first) return at;
                at = std::max(at, i->second);
            }
        }
        return 0;
    }

    std::set<id> reachable() const {
        std::set<id> seen;
        std::vector<id> todo(model_roots_.begin(), model_roots_.end());
        for (const auto& p : pins_) todo.push_back(p->name);
        for (bool more = true; more;) {
            while (!todo.empty()) {
                const id n = todo.back();
                todo.pop_back();
                if (n == 0 || !seen.insert(n).second) continue;
                const model_node& m = nodes_.at(n);
                todo.insert(todo.end(), m.out, m.out + fan_out);
                todo.insert(todo.end(), m.many.begin(), m.many.end());
            }
            more = false;
            for (const id n : seen) {
                const auto& rule = nodes_.at(n).rule;
                if (rule && seen.contains(rule->first) && !seen.contains(rule->second)) todo.push_back(rule->second), more = true;
            }
        }
        return seen;
    }

    void compare() {
        const gc::verdict v = h_.verify();
        INFO((v.fault ? v.fault : "") << " " << (v.type ? v.type : ""));
        REQUIRE(v);
        const std::set<id> alive = reachable();
        const std::map<id, any_node*> found = found_nodes();
        REQUIRE(found.size() == alive.size());
        for (const auto& [n, x] : found) check_edges(alive, n, *x);
        for (auto& [n, m] : nodes_) {
            if (m.dies) REQUIRE(destroyed_[n] == (alive.contains(n) ? 0 : 1));
        }
        for (auto& [n, w] : weaks_) {
            REQUIRE(w.expired() == !alive.contains(n));
            if (!w.expired()) REQUIRE(w.lock()->name == n);
        }
        if (below(4) == 0) compare_graph(found);
    }
    /// What the graph says is reachable is just that, and its paths lead there from a root (graph.I1, graph.I2).
    void compare_graph(const std::map<id, any_node*>& found) {
        const gc::graph g(h_);
        std::size_t reachable = 0, known = 0;
        for (const auto& o : g.objects()) reachable += o.retained != 0;
        for (const auto& [n, x] : found) {
            known += 1u + bool(x->rule) + bool(x->many);
            const std::size_t at = g.find(x);
            REQUIRE(at != gc::graph::none);
            const auto path = g.why(at);
            REQUIRE(!path.empty());
            REQUIRE((path.back() == at && g.objects()[path.front()].rooted));
            for (std::size_t k = 1; k < path.size(); ++k) REQUIRE(g.objects()[path[k]].from == path[k - 1]);
        }
        REQUIRE(reachable == known);
    }
    std::map<id, any_node*> found_nodes() const {
        std::map<id, any_node*> found;
        std::vector<any_node*> todo;
        for (const auto& r : roots_) todo.push_back(r.get());
        for (const auto& p : pins_) todo.push_back(p.get());
        while (!todo.empty()) {
            any_node* const x = todo.back();
            todo.pop_back();
            if (x == nullptr || !found.emplace(x->name, x).second) continue;
            for (const auto& o : x->out) todo.push_back(o.get());
            if (x->many) for (const auto& o : *x->many) todo.push_back(o.get());
            if (x->rule && x->rule->get_key()) todo.push_back(x->rule->get_value().get());
        }
        return found;
    }
    void check_edges(const std::set<id>& alive, id n, any_node& x) {
        REQUIRE(alive.contains(n));
        model_node& m = nodes_[n];
        for (std::size_t k = 0; k != fan_out; ++k) REQUIRE((x.out[k] ? x.out[k]->name : 0) == m.out[k]);
        REQUIRE((x.many ? x.many->size() : 0) == m.many.size());
        for (std::size_t k = 0; k < m.many.size(); ++k) {
            if (((*x.many)[k] ? (*x.many)[k]->name : 0) != m.many[k]) FAIL("an element of an array differs");
        }
        if (!m.rule) return;
        const bool key_alive = alive.contains(m.rule->first);
        REQUIRE(bool(x.rule->get_key()) == key_alive);
        REQUIRE(bool(x.rule->get_value()) == key_alive);
        if (key_alive) REQUIRE(x.rule->get_value()->name == m.rule->second);
        else m.rule = std::nullopt, x.rule = nullptr;
    }

    std::map<id, int> destroyed_;
    gc::heap h_;
    Choose choose_;
    id last_ = 0;
    std::map<id, model_node> nodes_;
    std::vector<gc::root<any_node>> roots_;
    std::vector<id> model_roots_;
    std::vector<gc::pin<any_node>> pins_;
    std::vector<std::pair<id, gc::weak<any_node>>> weaks_;
};

}  // namespace random_program
