// See layouts.hpp.
#include "layouts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "place.hpp"
#include "table.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

using nlohmann::json;

constexpr std::size_t most_rows = 50;

/// Stacks of one call site are one row; the first stack stands for it.
template <class Row, class Key, class Join>
std::vector<Row> by_site(const std::vector<Row>& rows, Key key, Join join) {
    std::map<decltype(key(rows.front())), std::size_t> known;
    std::vector<Row> joined;
    for (const Row& row : rows) {
        const auto [at, is_new] = known.try_emplace(key(row), joined.size());
        if (is_new) joined.push_back(row);
        else join(joined[at->second], row);
    }
    return joined;
}

std::uint64_t site_number(const stack_view* view, std::uint32_t stack) {
    return view == nullptr ? 0 : view->site_of(stack).value_or(UINT64_MAX);
}

std::vector<heap_layout::sparse_row> sparse_sites(const heap_layout& l, const stack_view* view) {
    auto rows = by_site(
        l.sparse, [&](const auto& row) { return site_number(view, row.stack); },
        [](auto& to, const auto& more) { to.live += more.live, to.unused += more.unused; });
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return std::pair(b.unused, a.stack) < std::pair(a.unused, b.stack); });
    return rows;
}

std::vector<heap_layout::sharing_row> sharing_sites(const heap_layout& l, const stack_view* view) {
    auto rows = by_site(
        l.sharing,
        [&](const auto& row) {
            const auto a = site_number(view, row.stack), b = site_number(view, row.other_stack);
            return std::pair(std::min(a, b), std::max(a, b));
        },
        [](auto& to, const auto& more) { to.lines += more.lines; });
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return std::tuple(b.lines, a.stack, a.other_stack) < std::tuple(a.lines, b.stack, b.other_stack);
    });
    return rows;
}

json moment_json(const heap_layout& l) {
    json cells = json::array();
    std::uint64_t next = l.map.empty() ? 0 : l.map.front().number;
    for (const auto& c : l.map) {
        cells.push_back(c.number - next);
        cells.push_back(c.pages);
        cells.push_back(c.bytes);
        next = c.number + 1;
    }
    return {{"time_ns", l.time_ns}, {"live_bytes", l.live.bytes}, {"live_blocks", l.live.blocks}, {"pages", l.pages},
            {"sparse_pages", l.sparse_pages}, {"sparse_live_bytes", l.sparse_live}, {"pages_by_share", l.by_share},
            {"shared_lines", l.shared_lines}, {"pages_per_cell", std::uint64_t{1} << l.cell_bits},
            {"first_cell", l.map.empty() ? 0 : l.map.front().number}, {"cells", cells}};
}

json sparse_json(const heap_layout& l, const stack_view* view) {
    json rows = json::array();
    for (const auto& site : sparse_sites(l, view)) {
        if (rows.size() == most_rows) break;
        json row = {{"blocks", site.live.blocks}, {"live_bytes", site.live.bytes}, {"unused_bytes", site.unused}};
        add_place(row, view, site.stack);
        rows.push_back(std::move(row));
    }
    return rows;
}

const heap_layout& most_shared(const std::vector<heap_layout>& layouts) {
    return *std::max_element(layouts.begin(), layouts.end(), [](const auto& a, const auto& b) { return a.shared_lines < b.shared_lines; });
}

json sharing_json(const std::vector<heap_layout>& layouts, const stack_view* view) {
    const heap_layout& most = most_shared(layouts);
    json rows = json::array();
    for (const auto& pair : sharing_sites(most, view)) {
        if (rows.size() == most_rows) break;
        json one = {{"thread", pair.thread}}, other = {{"thread", pair.other_thread}};
        add_place(one, view, pair.stack);
        add_place(other, view, pair.other_stack);
        rows.push_back({{"lines", pair.lines}, {"one", one}, {"other", other}});
    }
    return {{"line_bytes", heap_layout::line_bytes}, {"lines", most.shared_lines}, {"time_ns", most.time_ns}, {"pairs", rows}};
}

std::string held_text(const heap_layout& l) {
    const auto held = l.pages * heap_layout::page_bytes;
    return fmt::format("{} pages, {} filled; {} of them sparse: {} hold {}", count_text(l.pages),
                       share_text(static_cast<double>(l.live.bytes), static_cast<double>(held)), count_text(l.sparse_pages),
                       bytes_text(static_cast<double>(l.sparse_live)),
                       bytes_text(static_cast<double>(l.sparse_pages * heap_layout::page_bytes)));
}

}  // namespace

std::size_t peak_of(const std::vector<heap_layout>& layouts, const summary& s) {
    for (std::size_t i = 0; i < layouts.size(); ++i) {
        if (layouts[i].events == s.peak_event) return i;
    }
    return layouts.size() - 1;
}

void add_layouts(json& to, const std::vector<heap_layout>& layouts, const summary& s, const stack_view* view) {
    if (layouts.empty()) return;
    const std::size_t peak = peak_of(layouts, s);
    json moments = json::array();
    for (const auto& l : layouts) moments.push_back(moment_json(l));
    to["pages"] = {{"page_bytes", heap_layout::page_bytes}, {"sparse_bytes", heap_layout::sparse_bytes}, {"peak", peak},
                   {"moments", moments}, {"sparse_at_peak", sparse_json(layouts[peak], view)},
                   {"sparse_at_end", sparse_json(layouts.back(), view)}};
    to["shared_lines"] = sharing_json(layouts, view);
}

std::string layouts_text(const std::vector<heap_layout>& layouts, const summary& s, const stack_view* view) {
    if (layouts.empty()) return "";
    table figures({"", ">", ""});
    const auto row = [&](const char* when, const heap_layout& l) {
        figures.row({when, bytes_text(static_cast<double>(l.pages * heap_layout::page_bytes)), held_text(l)});
    };
    row("at the peak", layouts[peak_of(layouts, s)]);
    row("at the end", layouts.back());
    std::string text = fmt::format("Pages of {} B held by live blocks\n{}\n", heap_layout::page_bytes, figures.text());
    if (const auto sites = sparse_sites(layouts.back(), view); view != nullptr && !sites.empty()) {
        table rows({">unused", ">live", ">blocks", "where"});
        for (std::size_t i = 0; i < std::min<std::size_t>(5, sites.size()); ++i) {
            rows.row({bytes_text(static_cast<double>(sites[i].unused)), bytes_text(static_cast<double>(sites[i].live.bytes)),
                      count_text(sites[i].live.blocks), place_text(view, sites[i].stack)});
        }
        text += fmt::format("Who holds sparse pages at the end\n{}\n", rows.text());
    }
    const heap_layout& most = most_shared(layouts);
    if (most.shared_lines == 0) return text;
    text += fmt::format("Lines of {} B shared by blocks of different threads: {}, at {}\n", heap_layout::line_bytes, count_text(most.shared_lines),
                        time_text(static_cast<double>(most.time_ns)));
    if (view == nullptr) return text + "\n";
    table rows({">lines", "one thread", "another"});
    const auto pairs = sharing_sites(most, view);
    for (std::size_t i = 0; i < std::min<std::size_t>(5, pairs.size()); ++i)
        rows.row({count_text(pairs[i].lines), place_text(view, pairs[i].stack), place_text(view, pairs[i].other_stack)});
    return text + rows.text() + "\n";
}

}  // namespace ashlar::app
