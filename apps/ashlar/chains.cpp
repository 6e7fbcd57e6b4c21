// See chains.hpp.
#include "chains.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

#include "place.hpp"
#include "table.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

using nlohmann::json;

using chain = realloc_chains::chain;

/// The longest chains; with call stacks, of each call site the longest.
std::vector<chain> longest_chains(const summary& s, const stack_view* view) {
    if (view == nullptr) return s.chains.longest;
    std::vector<chain> longest;
    for (const auto& site : view->sites()) {
        if (site.longest.what.reallocations > 0) longest.push_back(site.longest);
    }
    std::sort(longest.begin(), longest.end(), realloc_chains::longer);
    if (longest.size() > realloc_chains::longest_limit) longest.resize(realloc_chains::longest_limit);
    return longest;
}

}  // namespace

void add_chains(json& to, const summary& s, const stack_view* view) {
    const auto& chains = s.chains;
    json lengths = json::array(), longest = json::array();
    std::uint64_t count = 0;
    for (std::size_t c = 1; c < chains.lengths.size(); ++c) {
        const auto& row = chains.lengths[c];
        count += row.chains;
        if (row.chains == 0) continue;
        lengths.push_back({{"from", power_class_from(c)}, {"to", power_class_to(c)}, {"chains", row.chains}, {"moved_bytes", row.moved_bytes}});
    }
    for (const auto& c : longest_chains(s, view)) {
        json row = {{"reallocations", c.what.reallocations}, {"moves", c.what.moves}, {"moved_bytes", c.what.moved_bytes},
                    {"first_size", c.first_size}, {"last_size", c.last_size}};
        add_place(row, view, c.stack);
        longest.push_back(std::move(row));
    }
    to["realloc_chains"] = {{"chains", count}, {"moved_bytes", chains.total.moved_bytes}, {"lengths", lengths}, {"longest", longest}};
}

std::string chains_text(const summary& s, const stack_view* view) {
    const auto longest = longest_chains(s, view);
    if (longest.empty() || longest.front().what.reallocations < 2) return "";
    table rows({">reallocations", ">moves", ">moved", ">from", ">to", view != nullptr ? "where" : ""});
    for (std::size_t i = 0; i < std::min<std::size_t>(5, longest.size()) && longest[i].what.reallocations > 1; ++i) {
        const auto& c = longest[i];
        rows.row({count_text(c.what.reallocations), count_text(c.what.moves), bytes_text(static_cast<double>(c.what.moved_bytes)),
                  bytes_text(static_cast<double>(c.first_size)), bytes_text(static_cast<double>(c.last_size)), place_text(view, c.stack)});
    }
    return fmt::format("Blocks reallocated most often\n{}\n", rows.text());
}

}  // namespace ashlar::app
