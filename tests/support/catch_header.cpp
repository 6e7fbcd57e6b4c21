// ashlar/tests/support/catch_header.cpp - nothing: the test programs share the precompiled header of this file's target.
