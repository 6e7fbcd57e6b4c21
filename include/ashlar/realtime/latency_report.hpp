// ashlar/realtime/latency_report.hpp - a latency histogram as text and as a drawing.
//
// Layer:      realtime
// Source:     the percentile plot of HdrHistogram: each step to the right is ten times rarer.
// Complexity: a look at each bucket; it allocates, and belongs behind the loop.
// Failure:    throws what std::string throws.
// Threads:    as the histogram's readers.
// Checked by: tests/realtime/latency_report_test.cpp
#pragma once

#include <cmath>
#include <string>

#include "ashlar/realtime/latency_histogram.hpp"

namespace ashlar {

/// A line of percentiles and a row of bars, a doubling each; `unit` is what a recorded 1 means.
template <class A>
std::string latency_text(const basic_latency_histogram<A>& h, const std::string& unit) {
    const std::uint64_t all = h.count();
    std::string text = std::to_string(all) + " recorded, in " + unit + ":";
    for (const double p : {50.0, 90.0, 99.0, 99.9, 99.99}) {
        std::string name = std::to_string(p);
        name.erase(name.find_last_not_of('0') + 1);
        if (name.back() == '.') name.pop_back();
        text += " p" + name + " " + std::to_string(h.percentile(p)) + ",";
    }
    text += " max " + std::to_string(h.max()) + "\n";
    std::uint64_t doublings[64] = {};
    h.for_each([&](std::uint64_t least, std::uint64_t, std::uint64_t n) { doublings[63 ^ __builtin_clzll(least | 1)] += n; });
    for (unsigned d = 0; d < 63; ++d) {
        if (doublings[d] == 0) continue;
        const std::string from = std::to_string(d == 0 ? 0 : std::uint64_t{1} << d);
        // A bar grows with the logarithm: one of a million is still seen.
        const auto length = static_cast<std::size_t>(1 + 3 * std::log2(static_cast<double>(doublings[d])));
        text += std::string(from.size() < 10 ? 10 - from.size() : 0, ' ') + from + " " + std::string(length, '#') + " " +
                std::to_string(doublings[d]) + "\n";
    }
    return text;
}

/// An SVG document: the value, on a logarithmic axis, over how rare it is to be passed.
template <class A>
std::string latency_plot(const basic_latency_histogram<A>& h, const std::string& title, const std::string& unit) {
    constexpr double left = 70, top = 40, width = 560, height = 260;
    const double all = static_cast<double>(h.count());
    const double rarest = std::ceil(std::log10(all < 10 ? 10 : all)), doublings = std::ceil(std::log2(static_cast<double>(h.max() | 1) + 1));
    const auto number = [](double v) { return std::to_string(static_cast<long>(v)); };
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 660 350\" width=\"660\" height=\"350\" "
                      "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\"><title>" + title + "</title>"
                      "<rect width=\"660\" height=\"350\" fill=\"white\"/><text x=\"70\" y=\"22\" font-size=\"15\">" + title + "</text>";
    for (int decade = 0; decade <= static_cast<int>(rarest); ++decade) {
        const double x = left + width * decade / rarest;
        std::string name = decade == 0 ? "0" : decade == 1 ? "90" : decade == 2 ? "99" : "99." + std::string(static_cast<std::size_t>(decade - 2), '9');
        svg += "<line x1=\"" + number(x) + "\" x2=\"" + number(x) + "\" y1=\"40\" y2=\"300\" stroke=\"#dfe4e8\"/><text x=\"" +
               number(x) + "\" y=\"318\" text-anchor=\"middle\" fill=\"#555\">" + name + "%</text>";
    }
    for (int tick = 0; tick <= 4; ++tick) {
        const double y = top + height - height * tick / 4;
        svg += "<line x1=\"70\" x2=\"630\" y1=\"" + number(y) + "\" y2=\"" + number(y) + "\" stroke=\"#dfe4e8\"/><text x=\"62\" y=\"" +
               number(y + 4) + "\" text-anchor=\"end\" fill=\"#555\">" + number(std::exp2(doublings * tick / 4)) + "</text>";
    }
    svg += "<text x=\"70\" y=\"340\" fill=\"#555\">" + unit + ", over the share of operations that took no longer</text><polyline fill=\"none\" "
           "stroke=\"#c0392b\" stroke-width=\"2\" points=\"";
    double seen = 0;
    h.for_each([&](std::uint64_t, std::uint64_t greatest, std::uint64_t n) {
        const double y = top + height - height * std::log2(static_cast<double>(greatest | 1)) / doublings;
        const auto x_of = [&](double passed) {
            const double left_over = 1 - passed / all, rare = left_over <= 0 ? rarest : -std::log10(left_over);
            return left + width * (rare < rarest ? rare : rarest) / rarest;
        };
        svg += number(x_of(seen)) + "," + number(y) + " ";
        seen += static_cast<double>(n);
        svg += number(x_of(seen)) + "," + number(y) + " ";
    });
    return svg + "\"/></svg>\n";
}

}  // namespace ashlar
