// The part of replay_report.hpp that is about memory: fragmentation, lines and the film.
#include <algorithm>
#include <map>
#include <set>
#include <span>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "replay_report.hpp"
#include "table.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

using nlohmann::json;

std::span<const replay_look> looks_of(const replay_figures& f) { return {f.sights->look.data(), f.sights->looks}; }

bool has_sights(const replay_figures& f) { return f.refused.empty() && f.sights != nullptr; }

double per(std::uint64_t what, std::uint64_t whole) { return whole == 0 ? 0 : static_cast<double>(what) / static_cast<double>(whole); }

double steps_of(const replay_figures& f) {
    const auto looks = looks_of(f);
    return looks.empty() ? 1 : static_cast<double>(looks.back().steps);
}

/// A digit says how full a cell is, in fifteenths of its bytes, rounded up.
char shade(std::uint64_t live, std::uint64_t bytes) {
    const std::uint64_t level = std::min<std::uint64_t>(15, (15 * live + bytes - 1) / bytes);
    return "0123456789abcdef"[level];
}

json film_json(const replay_sights& sights) {
    const heap_film& film = sights.film;
    std::set<std::uint64_t> numbers;
    for (std::uint32_t i = 0; i < film.frames(); ++i) {
        for (std::uint32_t c = 0; c < film.at(i).count; ++c) numbers.insert(film.at(i).cells[c].number);
    }
    const std::uint64_t bytes = page_ledger::page_bytes << film.cell_bits();
    json gaps = json::array(), frames = json::array();
    std::map<std::uint64_t, std::size_t> place;
    std::uint64_t next = numbers.empty() ? 0 : *numbers.begin();
    for (const auto number : numbers) {
        gaps.push_back(number - next);
        next = number + 1;
        place.emplace(number, place.size());
    }
    const replay_look* look = sights.look.data();
    for (std::uint32_t i = 0; i < film.frames(); ++i) {
        std::string map(numbers.size(), '.');
        for (std::uint32_t c = 0; c < film.at(i).count; ++c) map[place.at(film.at(i).cells[c].number)] = shade(film.at(i).cells[c].live, bytes);
        while (look->steps < film.at(i).steps) ++look;
        frames.push_back({{"steps", look->steps}, {"live", look->live}, {"granted", look->granted}, {"held", look->held}, {"used", look->used}, {"map", map}});
    }
    return {{"cell_bytes", bytes}, {"first", numbers.empty() ? 0 : *numbers.begin()}, {"gaps", gaps}, {"frames", frames}};
}

json over_time_json(const replay_figures& f) {
    json rows = json::array();
    for (const auto& look : looks_of(f)) {
        if (look.regular != 0) rows.push_back({look.steps, look.live, look.granted, look.held, look.used});
    }
    return {{"columns", {"steps", "live", "granted", "held", "used"}}, {"rows", rows}};
}

json row_json(const replay_figures& f, const packing_bounds& packing) {
    const auto measures = measure_fragmentation(looks_of(f));
    const auto shares = share_fragmentation(looks_of(f));
    const double steps = steps_of(f);
    return {{"johnstone_wilson", {measures.mean, measures.at_peak_live, measures.at_peak_used, measures.peaks}},
            {"internal", shares.internal},
            {"external", shares.external},
            {"scattered", shares.scattered},
            {"over_packing", per(f.peak_footprint, packing.reached)},
            {"lines_per_op", static_cast<double>(f.sights->lines_touched) / steps},
            {"lines_missed_per_op", static_cast<double>(f.sights->lines_missed) / steps},
            {"distinct_lines", f.sights->lines_ever},
            {"distinct_pages", f.sights->pages_ever},
            {"reallocations_in_place", f.sights->stayed},
            {"reallocations_moved", f.sights->moved},
            {"over_time", over_time_json(f)}};
}

}  // namespace

std::string fragmentation_table(std::vector<replay_figures> figures, const packing_bounds& packing) {
    std::erase_if(figures, [](const auto& f) { return !has_sights(f); });
    std::stable_sort(figures.begin(), figures.end(), [](const auto& a, const auto& b) { return a.peak_footprint < b.peak_footprint; });
    table rows({"engine", ">mean", ">at most live", ">at most used", ">peaks", ">internal", ">external", ">/packed", ">faults", ">lines/op", ">missed/op"});
    for (const auto& f : figures) {
        const auto m = measure_fragmentation(looks_of(f));
        const auto s = share_fragmentation(looks_of(f));
        const auto two = [](double value) { return fmt::format("{:.2f}", value); };
        rows.row({f.engine.name, two(m.mean), two(m.at_peak_live), two(m.at_peak_used), two(m.peaks), share_text(s.internal, 1), share_text(s.external, 1),
                  two(per(f.peak_footprint, packing.reached)), count_text(f.page_faults), two(static_cast<double>(f.sights->lines_touched) / steps_of(f)),
                  two(static_cast<double>(f.sights->lines_missed) / steps_of(f))});
    }
    return fmt::format(
        "Memory used over live: its mean, where most was live, where most was used, and peak over peak\n{}\nWho knew the whole trace "
        "beforehand could pack it into {}, {}; less than {} is not possible.\n",
        rows.text(), bytes_text(static_cast<double>(packing.reached)),
        packing.by_size ? "placing the largest blocks first" : "placing each block where it fits lowest", bytes_text(static_cast<double>(packing.least)));
}

void add_fragmentation(json& replay, const std::vector<replay_figures>& figures, const replay_facts& facts, const packing_bounds& packing) {
    replay["packing"] = {{"least", packing.least}, {"reached", packing.reached}, {"how", packing.by_size ? "by size" : "in order of time"},
                         {"live", facts.peak_bytes}};
    for (std::size_t i = 0; i < figures.size(); ++i) {
        if (!has_sights(figures[i])) continue;
        replay["rows"][i]["fragmentation"] = row_json(figures[i], packing);
        replay["rows"][i]["film"] = film_json(*figures[i].sights);
    }
}

}  // namespace ashlar::app
