// apps/ashlar/page.hpp - the report's page: one self-contained HTML file around a JSON document.
//
// Layer:      apps/ashlar
// Complexity: linear in the document.
// Failure:    throws app::failure; then nothing was written and an older file is as it was.
// Threads:    any.
// Checked by: tests/browser/page_test.py
//
// The schema of the document is apps/viewer/README.md. Every section is optional: `report` fills "trace",
// `tune` all of them.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ashlar::app {

/// The page's text. Any text may be in `data`, invalid UTF-8 included: it cannot leave its place.
std::string page(const nlohmann::json& data);

/// Writes page(data) to `path`, whole or not at all.
void write_page(const std::string& path, const nlohmann::json& data);

}  // namespace ashlar::app
