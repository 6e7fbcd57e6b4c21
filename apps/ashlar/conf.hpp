// apps/ashlar/conf.hpp - the malloc's options for a program that we start: checked first, then handed over.
//
// Layer:      apps/ashlar
// Complexity: linear in the file.
// Failure:    throws app::failure (2) with FILE:LINE and what is wrong there; nothing has been started then.
// Threads:    main's thread.
// Checked by: tests/tool/bad_input_test.py
#pragma once

#include <string>

#include "environment.hpp"

namespace ashlar::app {

/// Hands the conf to the program by ASHLAR_CONF. `path` "" means the one that ASHLAR_CONF names, if any.
/// The malloc itself skips what it does not understand, because it must not stop a program: so we look here.
/// @returns its text; "" where there is none
std::string use_conf(environment& variables, const std::string& path);

}  // namespace ashlar::app
