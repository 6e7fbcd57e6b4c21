// tests/support/some_strategies.hpp - strategies for the tests of layers that may not include strategy, and do not link it.
#pragma once

#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/buddy.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/segregated.hpp"
#include "ashlar/strategy/system.hpp"
