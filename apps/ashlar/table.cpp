#include "table.hpp"

#include <algorithm>
#include <utility>

#include "text.hpp"

namespace ashlar::app {
namespace {

/// Code points, which is columns for what commands print (names and numbers).
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void append_line(std::string& out, std::size_t indent, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths, const std::vector<bool>& right) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - width(cells[i]), ' ');
        if (i > 0) line += "  ";
        line += right[i] ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
}

}  // namespace

table::table(std::vector<std::string> headings) : headings_(std::move(headings)) {
    for (std::string& heading : headings_) {
        right_.push_back(heading.starts_with('>'));
        if (right_.back()) heading.erase(0, 1);
    }
}

table& table::row(std::vector<std::string> cells) {
    cells.resize(headings_.size());
    rows_.push_back(std::move(cells));
    return *this;
}

std::string table::text(std::size_t indent) const {
    std::vector<std::size_t> widths;
    std::vector<std::string> rules;
    for (std::size_t i = 0; i < headings_.size(); ++i) {
        std::size_t widest = width(headings_[i]);
        for (const auto& cells : rows_) widest = std::max(widest, width(cells[i]));
        widths.push_back(widest);
        rules.emplace_back(widest, '-');
    }
    std::string out;
    const bool named =
        std::any_of(headings_.begin(), headings_.end(), [](const auto& h) { return !h.empty(); });
    if (named) {
        append_line(out, indent, headings_, widths, right_);
        append_line(out, indent, rules, widths, right_);
    }
    for (const auto& cells : rows_) append_line(out, indent, cells, widths, right_);
    return out;
}

}  // namespace ashlar::app
