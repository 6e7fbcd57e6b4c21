// See sites.hpp.
#include "sites.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "table.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

using nlohmann::json;

constexpr std::size_t most_sites = 1000;
constexpr std::size_t longest_name = 400;
constexpr std::ptrdiff_t most_nodes = 20'000;

std::string value_text(const measure& m, const cost& c) {
    return m.is_bytes ? bytes_text(static_cast<double>(m.of(c))) : count_text(m.of(c));
}

std::vector<std::size_t> order_of(const stack_view& view, const measure& by) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < view.sites().size(); ++i) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const std::uint64_t x = by.of(view.sites()[a].what), y = by.of(view.sites()[b].what);
        return x != y ? x > y : a < b;
    });
    return order;
}

/// The nodes that are told: of a large tree those that hold most, by any measure. What is left out counts as its caller's own.
struct told_nodes {
    std::vector<std::uint32_t> number;  ///< of each node, or of the nearest caller that is told
    std::vector<std::uint32_t> nodes;   ///< those told, callers first
    std::vector<cost> self;
};

told_nodes nodes_to_tell(const stack_view& view) {
    const auto& all = view.nodes();
    told_nodes told;
    std::vector<float> weight(all.size(), 1);
    if (all.size() > std::size_t{most_nodes}) {
        std::vector<cost> whole;
        for (const auto& n : all) whole.push_back(n.self);
        for (std::size_t i = all.size(); i-- > 1;) whole[all[i].parent] += whole[i];
        for (std::size_t i = 1; i < all.size(); ++i) {
            weight[i] = 0;
            for (const measure& m : measures()) {
                const auto most = static_cast<float>(m.of(whole[0]));
                if (most > 0) weight[i] = std::max(weight[i], static_cast<float>(m.of(whole[i])) / most);
            }
            weight[i] = std::min(weight[i], weight[all[i].parent]);  // a node is told only if its callers are
        }
    }
    float least = 0;
    if (all.size() > std::size_t{most_nodes}) {
        auto sorted = weight;
        std::nth_element(sorted.begin(), sorted.begin() + most_nodes, sorted.end(), std::greater<>());
        least = sorted[most_nodes];
    }
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        if (i == 0 || all.size() <= std::size_t{most_nodes} || weight[i] > least) {
            told.number.push_back(static_cast<std::uint32_t>(told.nodes.size()));
            told.nodes.push_back(i);
            told.self.push_back(all[i].self);
        } else {
            told.number.push_back(told.number[all[i].parent]);
            told.self[told.number[i]] += all[i].self;
        }
    }
    return told;
}

/// A frame's name in a file where semicolons and ends of lines part things.
std::string folded_name(const stack_view::frame& f) {
    std::string name = valid_utf8(f.function);
    for (char& c : name) {
        if (c == ';') c = ':';
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return name;
}

}  // namespace

json cost_json(const cost& c) {
    return {{"at_peak_bytes", c.at_peak.bytes},     {"at_peak_blocks", c.at_peak.blocks},
            {"allocated_bytes", c.allocated.bytes}, {"allocations", c.allocated.blocks},
            {"temporary_bytes", c.temporary.bytes}, {"temporary_blocks", c.temporary.blocks},
            {"leaked_bytes", c.live.bytes},         {"leaked_blocks", c.live.blocks}};
}

const std::vector<measure>& measures() {
    static const std::vector<measure> all = {
        {"peak", "live at the peak", [](const cost& c) { return c.at_peak.bytes; }, true},
        {"allocated", "allocated", [](const cost& c) { return c.allocated.bytes; }, true},
        {"allocations", "allocations", [](const cost& c) { return c.allocated.blocks; }, false},
        {"temporary", "temporary", [](const cost& c) { return c.temporary.blocks; }, false},
        {"leaked", "never freed", [](const cost& c) { return c.live.bytes; }, true},
    };
    return all;
}

const measure& measure_of(const std::string& name) {
    for (const measure& m : measures()) {
        if (m.name == name) return m;
    }
    throw failure(wrong_use, "no measure '" + name + "'");
}

std::string sites_text(const stack_view& view, const measure& by, std::size_t most, bool stacks) {
    std::string text = fmt::format("Call sites by what is {}; the innermost function that is no allocator itself\n", by.words);
    table rows({">at peak", ">allocated", ">allocations", ">temporary", ">never freed", "where"});
    std::string under;
    const auto order = order_of(view, by);
    std::size_t shown = 0;
    for (const std::size_t i : order) {
        const auto& s = view.sites()[i];
        if (shown == most || (shown > 0 && by.of(s.what) == 0)) break;
        ++shown;
        std::vector<std::string> cells;
        for (const measure& m : measures()) cells.push_back(value_text(m, s.what));
        cells.push_back(frame_text(view.frames()[s.frame]));
        rows.row(std::move(cells));
        if (!stacks) continue;
        under += fmt::format("\n  {} {}, {} of {} stacks:\n", value_text(by, view.nodes()[s.heaviest].self), by.words, 1, s.stacks);
        for (const std::uint32_t f : view.path(s.heaviest)) under += "    " + frame_text(view.frames()[f], true) + "\n";
    }
    text += rows.text();
    if (shown < order.size()) text += fmt::format("  and {} more sites\n", count_text(order.size() - shown));
    return text + under;
}

void add_sites(json& to, const stack_view& view) {
    const told_nodes told = nodes_to_tell(view);
    json sites = json::array();
    for (const auto& s : view.sites()) {
        if (sites.size() == most_sites) break;
        const auto& f = view.frames()[s.frame];
        json row = cost_json(s.what);
        row["function"] = valid_utf8(f.function);
        row["file"] = valid_utf8(f.file);
        row["line"] = f.line;
        row["module"] = valid_utf8(view.modules()[f.module]);
        row["stacks"] = s.stacks;
        row["reallocations"] = s.resized.reallocations;
        row["moves"] = s.resized.moves;
        row["moved_bytes"] = s.resized.moved_bytes;
        row["heaviest_node"] = told.number[s.heaviest];
        sites.push_back(std::move(row));
    }
    to["sites"] = std::move(sites);
    json frames = json::array(), nodes = json::array(), modules = json::array();
    for (const auto& m : view.modules()) modules.push_back(valid_utf8(m));
    std::vector<std::uint32_t> frame_number(view.frames().size(), UINT32_MAX);  // only frames of nodes that are told
    for (std::size_t i = 0; i < told.nodes.size(); ++i) {
        const auto& n = view.nodes()[told.nodes[i]];
        if (frame_number[n.frame] == UINT32_MAX) {
            const auto& f = view.frames()[n.frame];
            frame_number[n.frame] = static_cast<std::uint32_t>(frames.size());
            frames.push_back({valid_utf8(f.function.substr(0, longest_name)), valid_utf8(f.file), f.line, f.module});
        }
        const cost& c = told.self[i];
        nodes.push_back({told.number[n.parent], frame_number[n.frame], c.at_peak.bytes, c.allocated.bytes, c.allocated.blocks, c.temporary.blocks, c.live.bytes});
    }
    to["call_tree"] = {{"modules", modules},
                       {"frame_columns", {"function", "file", "line", "module"}},
                       {"frames", frames},
                       {"node_columns", {"parent", "frame", "at_peak_bytes", "allocated_bytes", "allocations", "temporary_blocks", "leaked_bytes"}},
                       {"nodes", nodes}};
    json notes = json::array();
    for (const auto& n : view.notes()) notes.push_back(valid_utf8(n));
    to["symbol_notes"] = std::move(notes);
}

std::string folded_text(const stack_view& view, const measure& by) {
    std::string text;
    for (std::uint32_t n = 1; n < view.nodes().size(); ++n) {
        const std::uint64_t value = by.of(view.nodes()[n].self);
        if (value == 0) continue;
        auto path = view.path(n);
        std::reverse(path.begin(), path.end());
        for (std::size_t i = 0; i < path.size(); ++i) text += (i == 0 ? "" : ";") + folded_name(view.frames()[path[i]]);
        text += fmt::format(" {}\n", value);
    }
    return text;
}

json speedscope_json(const stack_view& view, const std::string& title) {
    json frames = json::array(), profiles = json::array();
    for (const auto& f : view.frames()) {
        json one = {{"name", valid_utf8(f.function)}};
        if (!f.file.empty()) one["file"] = valid_utf8(f.file), one["line"] = f.line;
        frames.push_back(std::move(one));
    }
    for (const measure& m : measures()) {
        json samples = json::array(), weights = json::array();
        std::uint64_t sum = 0;
        for (std::uint32_t n = 1; n < view.nodes().size(); ++n) {
            const std::uint64_t value = m.of(view.nodes()[n].self);
            if (value == 0) continue;
            auto path = view.path(n);
            std::reverse(path.begin(), path.end());
            samples.push_back(path);
            weights.push_back(value);
            sum += value;
        }
        profiles.push_back({{"type", "sampled"}, {"name", m.words}, {"unit", m.is_bytes ? "bytes" : "none"}, {"startValue", 0}, {"endValue", sum},
                            {"samples", samples}, {"weights", weights}});
    }
    return {{"$schema", "https://www.speedscope.app/file-format-schema.json"}, {"name", valid_utf8(title)}, {"exporter", "ashlar"},
            {"activeProfileIndex", 0}, {"shared", {{"frames", frames}}}, {"profiles", profiles}};
}

}  // namespace ashlar::app
