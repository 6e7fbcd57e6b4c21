// ashlar/src/malloc/export.hpp - the mark of what leaves the library; everything else is hidden.
//
// Layer:      malloc
// Complexity: none.
// Failure:    none.
// Threads:    none.
// Checked by: tests/malloc/program/exports.py
#pragma once

#define ASHLAR_EXPORT __attribute__((visibility("default")))
