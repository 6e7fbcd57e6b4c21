// `ashlar report`: what a trace comes to, in the terminal, as JSON or as a page.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "ashlar/observe/summary.hpp"
#include "chains.hpp"
#include "command.hpp"
#include "compare.hpp"
#include "failure.hpp"
#include "layouts.hpp"
#include "page.hpp"
#include "sites.hpp"
#include "study.hpp"
#include "summary_json.hpp"
#include "table.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

struct options {
    std::string trace;
    std::string html;
    std::string against;
    bool json = false;
    bool no_html = false;
    bool sites = false;
    bool stacks = false;
    bool no_symbols = false;
    std::string by = "peak";
    std::size_t top = 20;
    std::string debug_paths;
};

void print_totals(const summary& s, bool complete) {
    table figures({"", ">", ""});
    const auto row = [&](const char* what, const std::string& value, const std::string& more) {
        figures.row({what, value, more});
    };
    const double seconds = static_cast<double>(s.duration_ns) / 1e9;
    const auto rate =
        seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(s.allocations) / seconds) : 0;
    row("allocations", count_text(s.allocations), rate > 0 ? count_text(rate) + " a second" : "");
    row("frees", count_text(s.frees), "");
    row("bytes allocated", bytes_text(static_cast<double>(s.bytes_allocated)),
        count_text(s.bytes_allocated) + " B");
    row("peak", bytes_text(static_cast<double>(s.peak_bytes)),
        fmt::format("{} B in {} blocks, at {}", count_text(s.peak_bytes), count_text(s.blocks_at_peak),
                    time_text(static_cast<double>(s.peak_time_ns))));
    if (s.behind != trace_malloc::unknown) {
        row("usable at the peak", bytes_text(static_cast<double>(s.usable_at_peak)),
            share_text(static_cast<double>(s.peak_bytes), static_cast<double>(s.usable_at_peak)) + " of it asked for");
    }
    if (!s.memory.empty()) {
        const auto most = *std::max_element(s.memory.begin(), s.memory.end(), [](const auto& a, const auto& b) { return a.resident < b.resident; });
        row("resident, the most", bytes_text(static_cast<double>(most.resident)),
            fmt::format("at {}; committed then {}", time_text(static_cast<double>(most.time_ns)), bytes_text(static_cast<double>(most.committed))));
    }
    if (const auto& m = s.mapped; m.maps + m.unmaps > 0) {
        row("mapped, the most", bytes_text(static_cast<double>(m.peak_bytes)),
            fmt::format("at {}; {} maps of {} in all, {} at the end", time_text(static_cast<double>(m.peak_time_ns)), count_text(m.maps),
                        bytes_text(static_cast<double>(m.bytes)), bytes_text(static_cast<double>(m.live_bytes))));
    }
    row(complete ? "never freed" : "live at the end", bytes_text(static_cast<double>(s.leaked.bytes)),
        fmt::format("{} B in {} blocks", count_text(s.leaked.bytes), count_text(s.leaked.blocks)));
    const bool is_whole = s.sample_mean == 0;
    if (is_whole) row("temporary", share_text(static_cast<double>(s.temporary.blocks), static_cast<double>(s.allocations)),
        count_text(s.temporary.blocks) + " blocks freed before their thread allocated again");
    row("threads", count_text(s.threads), count_text(s.remote.blocks) + " frees by another thread");
    if (is_whole) row("reallocations", count_text(s.reallocations),
        fmt::format("{} in place, {} moved by the others", count_text(s.reallocations_in_place),
                    bytes_text(static_cast<double>(s.chains.total.moved_bytes))));
    const auto if_any = [&](const char* what, std::uint64_t n) {
        if (n > 0) row(what, count_text(n), "");
    };
    if_any("refused requests", s.failed_requests);
    if_any("requests for 0 bytes", s.zero_size);
    if_any("frees of NULL", s.null_frees);
    if_any("frees of older blocks", s.foreign_frees);
    if_any("frees not recorded", s.lost_frees);
    fmt::print("{}\n", figures.text());
}

void print_sizes(const summary& s) {
    if (s.sizes.empty()) return;
    table rows({">size", ">blocks", ">share", ">bytes"});
    for (std::size_t i = 0; i < std::min<std::size_t>(8, s.sizes.size()); ++i) {
        const auto& size = s.sizes[i];
        rows.row({count_text(size.size), count_text(size.blocks),
                  share_text(static_cast<double>(size.blocks), static_cast<double>(s.allocations)),
                  bytes_text(static_cast<double>(size.size) * static_cast<double>(size.blocks))});
    }
    fmt::print("Most frequent of {} sizes\n{}\n", count_text(s.sizes.size()), rows.text());
}

void print_kinds(const summary& s) {
    table rows({"call", ">calls", ">refused", ">bytes"});
    for (const auto& kind : s.kinds) {
        if (!requests(kind.kind) && !releases(kind.kind)) continue;
        rows.row({std::string(name(kind.kind)), count_text(kind.events),
                  kind.failed > 0 ? count_text(kind.failed) : "",
                  requests(kind.kind) ? bytes_text(static_cast<double>(kind.bytes)) : ""});
    }
    if (!rows.empty()) fmt::print("Calls\n{}\n", rows.text());
}

void print_libraries(const summary& s) {
    if (s.libraries.empty()) return;
    table rows({">at", "call", "library"});
    constexpr std::size_t limit = 12;
    for (std::size_t i = 0; i < std::min(limit, s.libraries.size()); ++i) {
        const auto& each = s.libraries[i];
        const std::string name = each.name.empty() ? "the program itself" : printable(each.name, 100);
        rows.row({time_text(static_cast<double>(each.time_ns)), each.loaded ? "dlopen" : "dlclose", name});
    }
    fmt::print("Libraries that the program loads by itself\n{}", rows.text());
    if (s.libraries.size() > limit) fmt::print("  and {} more calls\n", count_text(s.libraries.size() - limit));
    fmt::print("\n");
}

void print_threads(const summary& s) {
    if (s.per_thread.size() < 2) return;
    table rows({">thread", "name", ">allocations", ">bytes", ">peak", ">frees", ">of others"});
    constexpr std::size_t limit = 16;
    for (std::size_t i = 0; i < std::min(limit, s.per_thread.size()); ++i) {
        const auto& row = s.per_thread[i];
        rows.row({count_text(row.thread), printable(row.name, 16), count_text(row.allocations),
                  bytes_text(static_cast<double>(row.bytes_allocated)),
                  bytes_text(static_cast<double>(row.peak_bytes)), count_text(row.frees),
                  count_text(row.remote_frees)});
    }
    fmt::print("Threads\n{}", rows.text());
    if (s.per_thread.size() > limit) fmt::print("  and {} more\n", count_text(s.per_thread.size() - limit));
    fmt::print("\n");
}

void print_summary(const study& of) {
    const summary& s = *of.figures;
    const auto& info = of.reader.info();
    const stack_view* const view = of.named();
    fmt::print("{}\nprocess {}, watched for {}, {} events\n{}\n", printable(command_text(info)), info.process,
               time_text(static_cast<double>(s.duration_ns)), count_text(s.events),
               printable(describe(info), 400));
    if (const auto damage = damage_text(of.health); !damage.empty())
        fmt::print("{}\n", printable(damage, 600));
    fmt::print("\n");
    print_totals(s, info.state == trace_state::closed);
    if (view != nullptr) fmt::print("{}\n", sites_text(*view, measures().front(), 8, false));
    fmt::print("{}", chains_text(s, view));
    fmt::print("{}", layouts_text(of.layouts, s, view));
    print_sizes(s);
    print_kinds(s);
    print_libraries(s);
    print_threads(s);
    for (const auto& d : definitions()) {
        const std::string_view word = d.word;
        if (word == "Peak" || word == "Never freed" || word == "Temporary" || word == "Lifetime") fmt::print("{}: {}\n", d.word, d.meaning);
    }
    fmt::print("A reallocation is one allocation and one free. All words: docs/report.md, and the page.\n");
}

void print_sites(const study& of, const options& chosen) {
    if (!of.view) throw failure(failed, printable(chosen.trace, 4096) + " has no call stacks; record with --stacks");
    fmt::print("{}", sites_text(*of.view, measure_of(chosen.by), chosen.top, chosen.stacks));
    for (const auto& note : of.view->notes()) fmt::print("{}\n", note);
}

int report(const options& chosen) {
    const symbols::options how{chosen.debug_paths};
    const symbols::options* const names = chosen.no_symbols ? nullptr : &how;
    study now(chosen.trace, names);
    if (chosen.sites && !chosen.json) return print_sites(now, chosen), done;
    if (chosen.sites && !now.view) throw failure(failed, printable(chosen.trace, 4096) + " has no call stacks; record with --stacks");
    now.look_at_pages();
    nlohmann::json page_data, all = now.json();
    std::optional<study> before;
    if (!chosen.against.empty()) {
        before.emplace(chosen.against, names);
        before->look_at_pages();
        all["difference"] = difference_json(*before, now);
        page_data["against"] = before->json();
    }
    const std::string html = !chosen.html.empty() ? chosen.html : chosen.trace + (before ? ".against.html" : ".html");
    const bool want_page = !chosen.no_html && (!chosen.json || !chosen.html.empty());
    if (want_page) {
        page_data["title"] = command_text(now.reader.info());
        page_data["trace"] = all;
        write_page(html, page_data);
    }
    if (chosen.json) {
        fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return done;
    }
    if (before) fmt::print("{}", difference_text(*before, now, measure_of(chosen.by), chosen.top));
    else print_summary(now);
    if (want_page) fmt::print("Page: {}\n", printable(html, 4096));
    return done;
}

}  // namespace

void add_report(CLI::App& tool, context& line) {
    const auto chosen = std::make_shared<options>();
    auto* command = tool.add_subcommand("report", "show what a trace comes to; writes a page beside it");
    command->add_option("TRACE", chosen->trace, "a trace written by ashlar record")->required();
    command->add_flag("--json", chosen->json,
                      "print everything as JSON and write no page unless --html asks for it");
    auto* html = command->add_option("--html", chosen->html, "where to write the page (default: TRACE.html)");
    command->add_option("--against", chosen->against, "an earlier trace: tell what has changed since (page: TRACE.against.html)");
    command->add_flag("--sites", chosen->sites, "print the call sites that cost most, and nothing else; no page");
    command->add_option("--by", chosen->by, "what sites are ordered by")
        ->check(CLI::IsMember({"peak", "allocated", "allocations", "temporary", "leaked"}))->capture_default_str();
    command->add_option("--top", chosen->top, "how many sites")->check(CLI::Range(1, 1000000))->capture_default_str();
    command->add_flag("--stacks", chosen->stacks, "with --sites: each site's heaviest stack");
    command->add_flag("--no-symbols", chosen->no_symbols, "tell code by module and offset");
    command->add_option("--debug-path", chosen->debug_paths, "folders with separate debug files, parted by colons");
    command->add_flag("--no-html", chosen->no_html, "write no page")->excludes(html);
    command->callback([chosen, &line] { line.chosen = [chosen] { return report(*chosen); }; });
}

}  // namespace ashlar::app
