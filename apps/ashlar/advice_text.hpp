// apps/ashlar/advice_text.hpp - the words of an advice: its verdict, its sentences with their figures, its conf.
//
// Layer:      apps/ashlar
// Complexity: linear in the summary.
// Failure:    none.
// Threads:    any.
// Checked by: tests/tool/advise_test.py
#pragma once

#include "advisor.hpp"

namespace ashlar::app {

/// Fills verdict, sentences and conf of an advice whose choice is made.
void explain(advice& made, const advice_input& input, const advice_choice& choice);

/// The conf for the candidate that is the choice. @pre that is our malloc
std::string conf_text(const advice& made, const std::string& program, const std::string& trace);

}  // namespace ashlar::app
