// A literal that does not fit is seen when it is compiled.
// expect: conversion from|no viable conversion
#include "ashlar/ownership/inplace_string.hpp"

#ifdef ASHLAR_FIXED
ashlar::inplace_string<4> name = "four";
#else
ashlar::inplace_string<3> name = "four";
#endif
