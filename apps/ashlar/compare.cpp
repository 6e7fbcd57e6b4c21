// See compare.hpp.
#include "compare.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "layouts.hpp"
#include "table.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

using nlohmann::json;

enum class unit { count, bytes, time };

struct figure {
    const char* key;
    const char* words;
    unit in;
    std::uint64_t before = 0, now = 0;
};

std::vector<figure> figures_of(const study& before, const study& now) {
    std::vector<figure> all;
    const auto add = [&](const char* key, const char* words, unit in, auto of) {
        all.push_back({key, words, in, of(before), of(now)});
    };
    const auto held = [](const study& s) {
        return s.layouts.empty() ? 0 : s.layouts[peak_of(s.layouts, *s.figures)].pages * heap_layout::page_bytes;
    };
    add("peak_bytes", "peak", unit::bytes, [](const study& s) { return s.figures->peak_bytes; });
    add("blocks_at_peak", "blocks at the peak", unit::count, [](const study& s) { return s.figures->blocks_at_peak; });
    add("pages_at_peak_bytes", "pages held at the peak", unit::bytes, held);
    add("allocations", "allocations", unit::count, [](const study& s) { return s.figures->allocations; });
    add("bytes_allocated", "bytes allocated", unit::bytes, [](const study& s) { return s.figures->bytes_allocated; });
    add("temporary_blocks", "temporary blocks", unit::count, [](const study& s) { return s.figures->temporary.blocks; });
    add("leaked_bytes", "never freed", unit::bytes, [](const study& s) { return s.figures->leaked.bytes; });
    add("leaked_blocks", "blocks never freed", unit::count, [](const study& s) { return s.figures->leaked.blocks; });
    add("reallocations", "reallocations", unit::count, [](const study& s) { return s.figures->reallocations; });
    add("moved_bytes", "moved by reallocations", unit::bytes, [](const study& s) { return s.figures->chains.total.moved_bytes; });
    add("remote_frees", "frees by another thread", unit::count, [](const study& s) { return s.figures->remote.blocks; });
    add("threads", "threads", unit::count, [](const study& s) { return s.figures->threads; });
    add("duration_ns", "watched for", unit::time, [](const study& s) { return s.figures->duration_ns; });
    return all;
}

std::string value_text(unit in, std::uint64_t v) {
    if (in == unit::count) return count_text(v);
    return in == unit::bytes ? bytes_text(static_cast<double>(v)) : time_text(static_cast<double>(v));
}

/// "+12.0 KiB"; "" if nothing changed.
std::string change_text(unit in, std::uint64_t before, std::uint64_t now) {
    if (before == now) return "";
    return (now > before ? "+" : "-") + value_text(in, now > before ? now - before : before - now);
}

std::string ratio_text(std::uint64_t before, std::uint64_t now) {
    if (before == now) return "";
    if (before == 0) return "new";
    if (now == 0) return "gone";
    const double percent = 100 * (static_cast<double>(now) / static_cast<double>(before) - 1);
    return percent > 999 ? fmt::format("{:.1f} times", static_cast<double>(now) / static_cast<double>(before)) : fmt::format("{:+.1f} %", percent);
}

struct site_pair {
    stack_view::frame where;  ///< as in the trace of now, if it is there
    std::string module;
    cost before, now;
};

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<site_pair> sites_of(const study& before, const study& now) {
    if (!before.view || !now.view) return {};
    std::map<std::pair<std::string, std::string>, site_pair> joined;
    const auto add = [&](const stack_view& view, cost site_pair::*side) {
        for (const auto& site : view.sites()) {
            const auto& f = view.frames()[site.frame];
            auto& pair = joined[{f.function, file_name(f.file)}];
            pair.where = f;
            pair.module = view.modules()[f.module];
            pair.*side += site.what;
        }
    };
    add(*before.view, &site_pair::before);
    add(*now.view, &site_pair::now);
    std::vector<site_pair> all;
    for (auto& [name, pair] : joined) {
        if (!(pair.before == pair.now)) all.push_back(std::move(pair));
    }
    return all;
}

std::uint64_t distance(const measure& by, const site_pair& s) {
    const std::uint64_t a = by.of(s.before), b = by.of(s.now);
    return a > b ? a - b : b - a;
}

void sort_by(std::vector<site_pair>& sites, const measure& by) {
    std::sort(sites.begin(), sites.end(), [&](const site_pair& a, const site_pair& b) {
        const auto x = distance(by, a), y = distance(by, b);
        return x != y ? x > y : std::pair(a.where.function, a.where.file) < std::pair(b.where.function, b.where.file);
    });
}

}  // namespace

json difference_json(const study& before, const study& now) {
    json figures = json::object(), rows = json::array();
    for (const auto& f : figures_of(before, now)) figures[f.key] = {{"before", f.before}, {"now", f.now}};
    auto sites = sites_of(before, now);
    std::vector<bool> told(sites.size());
    constexpr std::size_t most = 300;  // by each measure
    sort_by(sites, measures().front());
    for (const measure& m : measures()) {
        std::vector<std::size_t> order(sites.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            const auto x = distance(m, sites[a]), y = distance(m, sites[b]);
            return x != y ? x > y : a < b;
        });
        for (std::size_t i = 0; i < std::min(most, order.size()); ++i) told[order[i]] = true;
    }
    for (std::size_t i = 0; i < sites.size(); ++i) {
        if (!told[i]) continue;
        const auto& s = sites[i];
        rows.push_back({{"function", valid_utf8(s.where.function)}, {"file", valid_utf8(s.where.file)}, {"line", s.where.line},
                        {"module", valid_utf8(s.module)},
                        {"before", cost_json(s.before)}, {"now", cost_json(s.now)}});
    }
    return {{"before", valid_utf8(command_text(before.reader.info()))}, {"figures", figures}, {"sites", rows}, {"sites_changed", sites.size()}};
}

std::string difference_text(const study& before, const study& now, const measure& by, std::size_t most) {
    const std::string was = command_text(before.reader.info()), is = command_text(now.reader.info());
    std::string text = fmt::format("before: {}\nnow:    {}\n\n", printable(was), printable(is));
    table figures({"", ">before", ">now", ">change", ">"});
    for (const auto& f : figures_of(before, now))
        figures.row({f.words, value_text(f.in, f.before), value_text(f.in, f.now), change_text(f.in, f.before, f.now), ratio_text(f.before, f.now)});
    text += figures.text() + "\n";
    if (!before.view || !now.view) return text + "Call sites are not compared: not both traces have call stacks.\n";
    auto sites = sites_of(before, now);
    sort_by(sites, by);
    const unit in = by.is_bytes ? unit::bytes : unit::count;
    table rows({">before", ">now", ">change", ">", "where"});
    std::size_t shown = 0;
    for (const auto& s : sites) {
        if (shown == most || distance(by, s) == 0) break;
        ++shown;
        rows.row({value_text(in, by.of(s.before)), value_text(in, by.of(s.now)), change_text(in, by.of(s.before), by.of(s.now)),
                  ratio_text(by.of(s.before), by.of(s.now)), frame_text(s.where)});
    }
    if (shown == 0) return text + fmt::format("No call site changed by what is {}.\n", by.words);
    const auto more = static_cast<std::size_t>(std::count_if(sites.begin(), sites.end(), [&](const auto& s) { return distance(by, s) > 0; })) - shown;
    text += fmt::format("Call sites that grew or shrank, by what is {}\n{}", by.words, rows.text());
    return more == 0 ? text : text + fmt::format("  and {} more\n", count_text(more));
}

}  // namespace ashlar::app
