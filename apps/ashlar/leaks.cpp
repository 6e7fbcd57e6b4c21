// See leaks.hpp.
#include "leaks.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "failure.hpp"
#include "text.hpp"

namespace ashlar::app {

bool matches(std::string_view pattern, std::string_view text) noexcept {
    const bool from_start = !pattern.empty() && pattern.front() == '^';
    if (from_start) pattern.remove_prefix(1);
    const bool to_end = !pattern.empty() && pattern.back() == '$';
    if (to_end) pattern.remove_suffix(1);
    // Parts between stars, each found as early as it can be, the last one at the end if it must be there.
    std::size_t at = 0;
    for (bool first = true;; first = false) {
        const std::size_t star = pattern.find('*');
        const std::string_view part = pattern.substr(0, star);
        const bool last = star == std::string_view::npos;
        if (last && to_end) {
            if (text.size() - at < part.size() || text.substr(text.size() - part.size()) != part) return false;
            return !(first && from_start) || part.size() == text.size();
        }
        const std::size_t found = text.find(part, at);
        if (found == std::string_view::npos || (first && from_start && found != 0)) return false;
        if (last) return true;
        at = found + part.size();
        pattern.remove_prefix(star + 1);
    }
}

suppressions::suppressions(const std::string& file) {
    std::ifstream lines(file);
    if (!lines) throw failure(wrong_use, fmt::format("{}: {}", printable(file, 4096), std::strerror(errno)));
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        const std::size_t begin = line.find_first_not_of(" \t\r");
        if (begin == std::string::npos || line[begin] == '#') continue;
        line = line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
        if (line.rfind("leak:", 0) != 0 || line.size() == 5) {
            throw failure(wrong_use, fmt::format("{}:{}: is no suppression; one is leak:PATTERN", printable(file, 4096), number));
        }
        patterns_.push_back(line.substr(5));
    }
    if (lines.bad()) throw failure(wrong_use, printable(file, 4096) + ": cannot be read");
}

/// What the C++ library takes while it is loaded, and keeps for exceptions when memory has run out.
static bool is_emergency_pool(const stack_view& view, const std::vector<std::uint32_t>& path) {
    if (path.empty() || view.modules()[view.frames()[path.front()].module].rfind("libstdc++.so", 0) != 0) return false;
    return std::any_of(path.begin(), path.end(), [&](std::uint32_t f) {
        const std::string& function = view.frames()[f].function;
        return function == "call_init" || function == "_dl_init" || function.rfind("ld-linux", 0) == 0;
    });
}

bool suppressions::cover(const stack_view& view, const std::vector<std::uint32_t>& path) const {
    if (is_emergency_pool(view, path)) return true;
    for (const std::uint32_t number : path) {
        const auto& f = view.frames()[number];
        for (const std::string& pattern : patterns_) {
            if (matches(pattern, f.function) || matches(pattern, f.file) || matches(pattern, view.modules()[f.module])) return true;
        }
    }
    return false;
}

leak_report find_leaks(const stack_view& view, const suppressions& known) {
    leak_report found;
    for (std::uint32_t n = 1; n < view.nodes().size(); ++n) {
        const tally& live = view.nodes()[n].self.live;
        if (live.blocks == 0) continue;
        if (known.cover(view, view.path(n))) {
            found.suppressed += live;
            continue;
        }
        found.leaks.push_back({n, live});
        found.all += live;
    }
    std::sort(found.leaks.begin(), found.leaks.end(), [](const leak& a, const leak& b) {
        return a.what.bytes != b.what.bytes ? a.what.bytes > b.what.bytes : a.node < b.node;
    });
    return found;
}

std::string leaks_text(const stack_view& view, const leak_report& found, std::size_t most) {
    std::string text;
    const auto blocks = [](std::uint64_t n) { return count_text(n) + (n == 1 ? " block" : " blocks"); };
    for (std::size_t i = 0; i < std::min(most, found.leaks.size()); ++i) {
        const leak& each = found.leaks[i];
        text += fmt::format("never freed: {} in {}, of\n", bytes_text(static_cast<double>(each.what.bytes)), blocks(each.what.blocks));
        for (const std::uint32_t f : view.path(each.node)) text += "    " + frame_text(view.frames()[f], true) + "\n";
    }
    if (found.leaks.size() > most) text += fmt::format("and {} more stacks\n", count_text(found.leaks.size() - most));
    if (found.suppressed.blocks != 0) {
        text += fmt::format("suppressed: {} in {}\n", bytes_text(static_cast<double>(found.suppressed.bytes)), blocks(found.suppressed.blocks));
    }
    return text;
}

}  // namespace ashlar::app
