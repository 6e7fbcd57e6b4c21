// See stack_view.hpp.
#include "stack_view.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "text.hpp"

namespace ashlar::app {
namespace {

constexpr std::uint32_t nowhere = UINT32_MAX;

/// Puts frames together: equal ones are one.
class frame_table {
public:
    explicit frame_table(std::vector<stack_view::frame>& all) : all_(all) {}
    std::uint32_t add(stack_view::frame f) {
        const auto [at, is_new] = numbers_.try_emplace(std::move(f), static_cast<std::uint32_t>(all_.size()));
        if (is_new) all_.push_back(at->first);
        return at->second;
    }

private:
    std::vector<stack_view::frame>& all_;
    std::map<stack_view::frame, std::uint32_t> numbers_;
};

bool starts_at(std::string_view text, std::size_t at, std::string_view what) { return text.substr(at).starts_with(what); }

/// Whether an operator's name begins at this place: there, < and > and ( belong to it.
std::size_t operator_length(std::string_view text, std::size_t at) {
    constexpr std::string_view word = "operator";
    if (!starts_at(text, at, word) || (at > 0 && (std::isalnum(static_cast<unsigned char>(text[at - 1])) || text[at - 1] == '_'))) return 0;
    std::size_t end = at + word.size();
    if (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) return 0;
    if (starts_at(text, end, "()")) return end + 2 - at;
    while (end < text.size() && std::string_view("<>=!+-*/%&|^~,[]").find(text[end]) != std::string_view::npos) ++end;
    for (const std::string_view allocates : {" new[]", " delete[]", " new", " delete"}) {
        if (starts_at(text, end, allocates)) return end + allocates.size() - at;
    }
    return end - at;
}

}  // namespace

std::string short_name(const std::string& function) {
    const std::string_view text = function;
    std::string name;
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (depth == 0) {
            if (const std::size_t n = operator_length(text, i); n != 0) {
                name += text.substr(i, n);
                i += n - 1;
                continue;
            }
            constexpr std::string_view unnamed = "(anonymous namespace)";
            if (starts_at(text, i, unnamed)) {
                name += unnamed;
                i += unnamed.size() - 1;
                continue;
            }
            if (text[i] == '(') {
                if (name.empty()) return function;
                // A local thing of a function: f(int)::{lambda()#1}::operator()
                std::size_t end = i;
                int inner = 0;
                for (; end < text.size(); ++end) {
                    inner += text[end] == '(';
                    inner -= text[end] == ')';
                    if (inner == 0) break;
                }
                const std::size_t more = text.find("::", end);
                if (more == std::string_view::npos || more > end + 8) break;
                i = more - 1;
                continue;
            }
        }
        if (text[i] == '<') ++depth;
        if (depth == 0) name += text[i];
        if (text[i] == '>' && depth > 0) --depth;
    }
    // What stands before the last blank is the type of the result, unless it belongs to the name.
    int braces = 0;
    std::size_t from = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        braces += name[i] == '{' || name[i] == '(';
        braces -= name[i] == '}' || name[i] == ')';
        if (name[i] == ' ' && braces == 0 && !(i >= 8 && name.compare(i - 8, 8, "operator") == 0)) from = i + 1;
    }
    return from < name.size() ? name.substr(from) : name;
}

bool is_allocator(const stack_view::frame& f) {
    if (f.file.find("/include/c++/") != std::string::npos) return true;
    const std::string name = short_name(f.function);
    for (const std::string_view prefix : {"std::", "__gnu_cxx::", "operator new", "__cxxabiv1::"}) {
        if (std::string_view(name).starts_with(prefix)) return true;
    }
    const auto holds = [&](std::string_view word) {
        return std::search(name.begin(), name.end(), word.begin(), word.end(), [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) == b;
        }) != name.end();
    };
    // Not where a file's name holds it: what has no symbol is told as file+offset.
    return name.find("+0x") == std::string::npos && (holds("alloc") || holds("strdup"));
}

std::string frame_text(const stack_view::frame& f, bool whole_path) {
    std::string text = printable(short_name(f.function), 100);
    if (f.file.empty()) return text;
    return fmt::format("{} at {}:{}", text, printable(whole_path ? f.file : f.file.substr(f.file.rfind('/') + 1), 200), f.line);
}

stack_view::stack_view(const summary& s, const trace_stacks& stacks, const trace_info& info, const symbols::options* how) {
    std::vector<bool> wanted(stacks.places().size());
    std::vector<std::uint32_t> places;
    for (const auto& row : s.stacks) {
        stacks.unfold(row.stack, places);
        for (const std::uint32_t p : places) wanted[p] = how != nullptr;
    }
    symbols known(stacks, info, wanted, how != nullptr ? *how : symbols::options{});
    notes_ = known.notes();
    for (std::uint32_t m = 0; m < stacks.modules().size(); ++m) modules_.push_back(known.module_name(m));

    frame_table table(frames_);
    std::vector<std::vector<std::uint32_t>> of_place(stacks.places().size());  // innermost first
    const auto frames_of = [&](std::uint32_t place) -> const std::vector<std::uint32_t>& {
        auto& all = of_place[place];
        if (all.empty()) {
            for (const code_line& l : known.of(place)) all.push_back(table.add({l.function, l.file, l.line, stacks.places()[place].module}));
        }
        return all;
    };
    table.add({"all", "", 0, 0});
    const std::uint32_t cut = table.add({"[callers not recorded]", "", 0, 0});
    const std::uint32_t nothing = table.add({"[stack not known]", "", 0, 0});
    nodes_.push_back({0, 0, {}});
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> children;
    std::map<std::uint32_t, site> by_frame;
    site_of_stack_.assign(s.stacks.empty() ? 0 : s.stacks.back().stack + std::size_t{1}, nowhere);  // first the frame
    for (const auto& row : s.stacks) {
        const bool whole = stacks.unfold(row.stack, places);
        std::uint32_t at = 0, where = nothing;
        bool own = false;
        const auto go = [&](std::uint32_t inner) {
            const auto [child, is_new] = children.try_emplace({at, inner}, static_cast<std::uint32_t>(nodes_.size()));
            if (is_new) nodes_.push_back({at, inner, {}});
            at = child->second;
            if (!is_allocator(frames_[inner])) where = inner, own = true;
            else if (!own) where = inner;
        };
        if (!whole) go(cut);
        for (std::size_t i = places.size(); i-- > 0;) {
            const auto& calls = frames_of(places[i]);
            for (std::size_t k = calls.size(); k-- > 0;) go(calls[k]);
        }
        if (places.empty()) go(nothing);
        nodes_[at].self += row.what;
        site& found = by_frame.try_emplace(where, site{where, {}, at, 0, {}, {}}).first->second;
        site_of_stack_[row.stack] = where;
        const cost &best = nodes_[found.heaviest].self, &here = nodes_[at].self;
        if (std::pair(here.at_peak.bytes, here.allocated.bytes) > std::pair(best.at_peak.bytes, best.allocated.bytes)) found.heaviest = at;
        found.what += row.what;
        ++found.stacks;
    }
    set_sites(std::move(by_frame), s);
}

void stack_view::set_sites(std::map<std::uint32_t, site>&& by_frame, const summary& s) {
    for (const auto& row : s.chains.stacks) {
        if (row.stack >= site_of_stack_.size() || site_of_stack_[row.stack] == nowhere) continue;
        site& where = by_frame.at(site_of_stack_[row.stack]);
        where.resized += row.what;
        if (realloc_chains::longer(row.longest, where.longest)) where.longest = row.longest;
    }
    for (const auto& [number, found] : by_frame) sites_.push_back(found);
    std::sort(sites_.begin(), sites_.end(), [](const site& a, const site& b) {
        return std::tuple(a.what.at_peak.bytes, a.what.allocated.bytes, b.frame) > std::tuple(b.what.at_peak.bytes, b.what.allocated.bytes, a.frame);
    });
    std::vector<std::uint32_t> site_of_frame(frames_.size(), nowhere);
    for (std::uint32_t i = 0; i < sites_.size(); ++i) site_of_frame[sites_[i].frame] = i;
    for (auto& where : site_of_stack_) {
        if (where != nowhere) where = site_of_frame[where];
    }
}

std::optional<std::size_t> stack_view::site_of(std::uint32_t stack) const {
    if (stack >= site_of_stack_.size() || site_of_stack_[stack] == nowhere) return std::nullopt;
    return site_of_stack_[stack];
}

std::vector<std::uint32_t> stack_view::path(std::uint32_t from) const {
    std::vector<std::uint32_t> frames;
    for (; from != 0; from = nodes_[from].parent) frames.push_back(nodes_[from].frame);  // stack_view.I1
    return frames;
}

}  // namespace ashlar::app
