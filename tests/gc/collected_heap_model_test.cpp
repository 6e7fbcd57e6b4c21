// Random programs on a heap, compared after every collection with a model that knows what is reachable.
#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/weak.hpp"

using namespace ashlar;

namespace {

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
    char more[1000];
};
std::map<id, int>* destroyed = nullptr;
struct dying_node : any_node {
    using any_node::any_node;
    ~dying_node() {
        ++(*destroyed)[name];
        for (auto& o : out) CHECK(!o);
        CHECK(!many);
    }
};

/// What the program did, as ids.
struct model_node {
    id out[fan_out] = {};
    std::optional<std::pair<id, id>> rule;
    std::vector<id> many;
    bool dies = false;
};

class program {
public:
    program(unsigned seed, gc::options o) : h_(o), random_(seed) { destroyed = &destroyed_; }

    void run(int steps) {
        for (int i = 0; i != steps; ++i) act();
        roots_.clear();
        model_roots_.clear();
        h_.collect();
        compare();
        CHECK(h_.stats().live == 0);
    }

private:
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
    std::size_t any() { return below(roots_.size()); }

    void act() {
        const std::size_t what = roots_.empty() ? 0 : below(20);
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
        } else {
            watch(j);
            if (below(4) == 0) collect();
        }
    }

    void make() {
        const id n = ++last_;
        nodes_[n].dies = false;
        switch (below(3)) {
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

    std::set<id> reachable() const {
        std::set<id> seen;
        std::vector<id> todo(model_roots_.begin(), model_roots_.end());
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
        std::map<id, any_node*> found;
        std::vector<any_node*> todo;
        for (const auto& r : roots_) todo.push_back(r.get());
        while (!todo.empty()) {
            any_node* const x = todo.back();
            todo.pop_back();
            if (x == nullptr || !found.emplace(x->name, x).second) continue;
            for (const auto& o : x->out) todo.push_back(o.get());
            if (x->many) for (const auto& o : *x->many) todo.push_back(o.get());
            if (x->rule && x->rule->get_key()) todo.push_back(x->rule->get_value().get());
        }
        REQUIRE(found.size() == alive.size());
        for (const auto& [n, x] : found) check_edges(alive, n, *x);
        for (auto& [n, m] : nodes_) {
            if (m.dies) REQUIRE(destroyed_[n] == (alive.contains(n) ? 0 : 1));
        }
        for (auto& [n, w] : weaks_) {
            REQUIRE(w.expired() == !alive.contains(n));
            if (!w.expired()) REQUIRE(w.lock()->name == n);
        }
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
    std::mt19937 random_;
    id last_ = 0;
    std::map<id, model_node> nodes_;
    std::vector<gc::root<any_node>> roots_;
    std::vector<id> model_roots_;
    std::vector<std::pair<id, gc::weak<any_node>>> weaks_;
};

}  // namespace

TEST_CASE("collected_heap: what is alive, its edges, destructors, weak references and ephemerons are the model's", "[gc][collected_heap]") {
    for (unsigned seed = 1; seed != 9; ++seed) {
        INFO("seed " << seed);
        program(seed, {.headroom = 100'000, .zeal = {.poison = true}}).run(700);
    }
}

TEST_CASE("collected_heap: the same with a collection at every allocation", "[gc][collected_heap]") {
    for (unsigned seed = 1; seed != 5; ++seed) {
        INFO("seed " << seed);
        program(seed, {.zeal = {.collect = true, .poison = true}}).run(300);
    }
}
