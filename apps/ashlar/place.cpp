// See place.hpp.
#include "place.hpp"

#include <optional>

#include <nlohmann/json.hpp>

#include "text.hpp"

namespace ashlar::app {

void add_place(nlohmann::json& row, const stack_view* view, std::uint32_t stack) {
    if (view == nullptr) return;
    const auto site = view->site_of(stack);
    if (!site) return;
    const auto& f = view->frames()[view->sites()[*site].frame];
    row["function"] = valid_utf8(f.function);
    row["file"] = valid_utf8(f.file);
    row["line"] = f.line;
    row["module"] = valid_utf8(view->modules()[f.module]);
}

std::string place_text(const stack_view* view, std::uint32_t stack) {
    const auto site = view == nullptr ? std::nullopt : view->site_of(stack);
    return site ? frame_text(view->frames()[view->sites()[*site].frame]) : "";
}

}  // namespace ashlar::app
