// The graph of a heap: read once, then paths by breadth, dominators by rounds over the reverse postorder.
#include "ashlar/gc/graph.hpp"

#include <algorithm>
#include <functional>

#include "collector.hpp"
#include "writer.hpp"

namespace ashlar::gc {

/// Notes the references of one object after the other.
struct graph::reader final : detail::slot_visitor {
    explicit reader(graph& made) noexcept : g(made) {}
    void slot(detail::reference& r) noexcept override {
        const std::size_t k = r.target == nullptr ? none : g.find(r.target);
        if (k == none) return;
        const auto at = reinterpret_cast<std::uintptr_t>(&r) - reinterpret_cast<std::uintptr_t>(g.objects_[object].address);
        found.push_back({k, at < g.objects_[object].bytes ? at : none});
    }
    struct edge {
        std::size_t to, place;
    };
    graph& g;
    std::size_t object = 0;
    std::vector<edge> found;
};

graph::graph(heap& h) {
    detail::collector& c = detail::collector::of(h);
    c.each_object([&](void* o, const descriptor& d, std::size_t bytes) {
        objects_.push_back({o, detail::type_name(d), bytes, 0, none, none, none, false});
    });
    std::sort(objects_.begin(), objects_.end(), [](const object& a, const object& b) { return a.address < b.address; });
    reader read(*this);
    for (std::size_t k = 0; k != objects_.size(); ++k) {
        first_.push_back(to_.size());
        read.object = k;
        read.found.clear();
        void* const o = const_cast<void*>(objects_[k].address);
        if (const auto each = detail::header_of(o).type()->each_slot; each != nullptr) each(o, read);
        for (const auto& e : read.found) {
            to_.push_back(e.to);
            places_.push_back(e.place);
        }
    }
    first_.push_back(to_.size());
    c.each_root([&](void* o) {
        const std::size_t k = find(o);
        if (k == none || objects_[k].rooted) return;
        objects_[k].rooted = true;
        roots_.push_back(k);
    });
    c.each_tile([&](const void* tile, std::span<const std::size_t> used) { tiles_.push_back({tile, {used.begin(), used.end()}}); });
    find_paths();
    find_dominators();
}

std::size_t graph::find(const void* address) const noexcept {
    const auto at = std::lower_bound(objects_.begin(), objects_.end(), address,
                                     [](const object& o, const void* p) { return std::less<>()(o.address, p); });
    return at == objects_.end() || at->address != address ? none : static_cast<std::size_t>(at - objects_.begin());
}

/// graph.I2: breadth first. What is reached retains itself from here on (graph.I1).
void graph::find_paths() {
    std::vector<std::size_t> reached = roots_;
    for (const std::size_t k : reached) objects_[k].retained = objects_[k].bytes;
    for (std::size_t i = 0; i != reached.size(); ++i) {
        const std::size_t from = reached[i];
        for (std::size_t e = first_[from]; e != first_[from + 1]; ++e) {
            object& o = objects_[to_[e]];
            if (o.retained != 0) continue;
            o.retained = o.bytes;
            o.from = from;
            o.place = places_[e];
            reached.push_back(to_[e]);
        }
    }
}

/// @returns what is reachable, an object behind all that it leads to first (postorder, depth first)
std::vector<std::size_t> graph::in_order() const {
    struct visit {
        std::size_t object, edge;
    };
    std::vector<std::size_t> order;
    std::vector<bool> seen(objects_.size());
    std::vector<visit> open;
    for (const std::size_t r : roots_) {
        if (seen[r]) continue;
        seen[r] = true;
        open.push_back({r, first_[r]});
        while (!open.empty()) {
            visit& v = open.back();
            if (v.edge == first_[v.object + 1]) {
                order.push_back(v.object);
                open.pop_back();
                continue;
            }
            const std::size_t next = to_[v.edge++];
            if (seen[next]) continue;
            seen[next] = true;
            open.push_back({next, first_[next]});
        }
    }
    return order;
}

/// Numbers are those of the postorder; what all roots hang from has the number behind the last.
void graph::find_dominators() {
    const std::vector<std::size_t> order = in_order();
    const std::size_t n = order.size();
    std::vector<std::size_t> number(objects_.size(), none), dominator(n + 1, none), begin(n + 2), comes_from;
    for (std::size_t i = 0; i != n; ++i) number[order[i]] = i;
    // Who refers to each, in the same form as first_ and to_.
    for (const std::size_t k : order) for (std::size_t e = first_[k]; e != first_[k + 1]; ++e) ++begin[number[to_[e]] + 2];
    for (std::size_t i = 2; i < begin.size(); ++i) begin[i] += begin[i - 1];
    comes_from.resize(begin.back());
    for (const std::size_t k : order) {
        for (std::size_t e = first_[k]; e != first_[k + 1]; ++e) comes_from[begin[number[to_[e]] + 1]++] = number[k];
    }
    dominator[n] = n;
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = n; i-- != 0;) {
            std::size_t least = objects_[order[i]].rooted ? n : none;
            for (std::size_t e = begin[i]; e != begin[i + 1]; ++e) {
                std::size_t other = comes_from[e];
                if (dominator[other] == none) continue;
                if (least == none) least = other;
                while (least != other) {  // to where their ways up meet
                    if (least < other) least = dominator[least];
                    else other = dominator[other];
                }
            }
            changed |= dominator[i] != least;
            dominator[i] = least;
        }
    }
    for (std::size_t i = 0; i != n; ++i) {  // what an object leads to stands before it, so does what it dominates
        if (dominator[i] == n) continue;
        object& above = objects_[order[dominator[i]]];
        above.retained += objects_[order[i]].retained;
        objects_[order[i]].dominator = order[dominator[i]];
    }
}

std::vector<std::size_t> graph::why(std::size_t index) const {
    std::vector<std::size_t> path;
    if (index >= objects_.size() || objects_[index].retained == 0) return path;
    for (std::size_t k = index; k != none; k = objects_[k].from) path.push_back(k);
    std::reverse(path.begin(), path.end());
    return path;
}

void graph::write(heap::write_function put, void* to) const {
    detail::writer out(put, to);
    const auto index = [&](const char* key, std::size_t k) {
        if (k == none) return;
        out.text(key);
        out.name(objects_[k].address);
    };
    out.text("{\"objects\":[");
    for (std::size_t k = 0; k != objects_.size(); ++k) {
        const object& o = objects_[k];
        out.text(k == 0 ? "\n{\"id\":" : ",\n{\"id\":");
        out.name(o.address);
        out.text(",\"type\":");
        out.quoted(o.type);
        out.text(",\"bytes\":");
        out.number(o.bytes);
        out.text(",\"retained\":");
        out.number(o.retained);
        index(",\"dominator\":", o.dominator);
        index(",\"from\":", o.from);
        if (o.place != none) {
            out.text(",\"place\":");
            out.number(o.place);
        }
        out.text(",\"to\":[");
        for (std::size_t e = first_[k]; e != first_[k + 1]; ++e) {
            if (e != first_[k]) out.text(",");
            out.name(objects_[to_[e]].address);
        }
        out.text("]}");
    }
    out.text("],\n\"roots\":[");
    for (std::size_t i = 0; i != roots_.size(); ++i) index(i == 0 ? "" : ",", roots_[i]);
    out.text("],\n\"tiles\":[");
    for (std::size_t i = 0; i != tiles_.size(); ++i) detail::write_tile(out, i == 0, tiles_[i].address, tiles_[i].used);
    out.text("]}\n");
}

}  // namespace ashlar::gc
