// apps/viewer/viewer_frame.hpp - the page without its data, embedded in the binary by embed.cmake.
//
// Layer:      apps/viewer
// Complexity: constants.
// Failure:    none.
// Threads:    constants.
// Checked by: tests/browser/page_test.py
#pragma once

#include <string_view>

namespace ashlar::app {

std::string_view frame_before_data() noexcept;
std::string_view frame_after_data() noexcept;

}  // namespace ashlar::app
