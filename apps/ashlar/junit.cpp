// See junit.hpp.
#include "junit.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "text.hpp"

namespace ashlar::app {
namespace {

/// `text` as XML 1.0 may hold it, in an attribute too. U+FFFE and U+FFFF are no characters of XML.
std::string escaped(std::string_view text) {
    std::string out;
    const std::string valid = valid_utf8(text);
    for (std::size_t i = 0; i < valid.size(); ++i) {
        const char c = valid[i];
        if (valid.compare(i, 3, "\xef\xbf\xbe") == 0 || valid.compare(i, 3, "\xef\xbf\xbf") == 0) {
            out += '?';
            i += 2;
            continue;
        }
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
        }
    }
    return out;
}

}  // namespace

std::string junit_text(std::string_view suite, std::string_view subject, const std::vector<checked_limit>& all) {
    const auto broken = std::count_if(all.begin(), all.end(), [](const auto& each) { return !each.kept; });
    std::string text = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n",
                                   escaped(suite), all.size(), broken);
    for (const auto& each : all) {
        text += fmt::format("  <testcase classname=\"{}\" name=\"{}\"", escaped(subject), escaped(each.name));
        if (each.kept) {
            text += "/>\n";
        } else {
            text += fmt::format(">\n    <failure message=\"found {}, allowed {}\"/>\n  </testcase>\n", escaped(each.found),
                                escaped(each.allowed));
        }
    }
    return text + "</testsuite>\n";
}

}  // namespace ashlar::app
