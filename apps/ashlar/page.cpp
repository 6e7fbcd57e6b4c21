#include "page.hpp"

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "file.hpp"
#include "viewer_frame.hpp"

namespace ashlar::app {
namespace {

/// JSON that may stand in a script element: `<` could end it or open a comment, and U+2028 and U+2029 end
/// lines in older scripts. All three occur inside strings only, where an escape means the same.
std::string script_safe(const std::string& json) {
    std::string safe;
    safe.reserve(json.size() + json.size() / 64);
    for (std::size_t i = 0; i < json.size(); ++i) {
        const std::string_view rest = std::string_view(json).substr(i);
        if (rest[0] == '<') {
            safe += "\\u003c";
        } else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) {
            safe += rest[2] == '\xa8' ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            safe += rest[0];
        }
    }
    return safe;
}

}  // namespace

std::string page(const nlohmann::json& data) {
    nlohmann::json stamped = data;
    stamped["ashlar_page"] = 1;
    stamped["ashlar"] = ASHLAR_VERSION;
    // replace: bytes that are not UTF-8 become U+FFFD
    const std::string json = stamped.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::string text(frame_before_data());
    text += script_safe(json);
    text += frame_after_data();
    return text;
}

void write_page(const std::string& path, const nlohmann::json& data) { write_file(path, page(data)); }

}  // namespace ashlar::app
