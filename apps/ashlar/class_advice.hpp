// apps/ashlar/class_advice.hpp - size classes that a program's sizes fit, to stand beside those of our malloc.
//
// Layer:      apps/ashlar
// Picture:    trace -> sizes that are live at the peak -> classes_beside() -> "classes = v1 4368 ..." -> tried by replay
// Complexity: one pass over the trace, and the search.
// Failure:    throws what readers throw.
// Threads:    main's thread.
// Checked by: tests/tool/sites_advised_test.py
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "advisor.hpp"

namespace ashlar::app {

struct class_advice {
    std::vector<std::string> lines;  ///< of a conf, each worth trying: few classes, and more; none where they could save too little
    advice_sentence sentence;        ///< how well the sizes fit
};

class_advice advise_classes(const advice_input& input);

}  // namespace ashlar::app
