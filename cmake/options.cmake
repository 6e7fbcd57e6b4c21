# What a builder may choose. CMakePresets.json holds the combinations that we build and test.
option(ASHLAR_WERROR "Warnings are errors" OFF)
option(ASHLAR_TESTS "Build the tests and register them with ctest" ${PROJECT_IS_TOP_LEVEL})
option(ASHLAR_UNITS_ONLY "Only libraries, unit tests and fuzz targets: what a sanitizer tree needs" OFF)
set(ASHLAR_SANITIZE "" CACHE STRING "Value for -fsanitize=, for instance address,undefined or thread")
set(ASHLAR_CHECKS "" CACHE STRING "Contract checking level 0, 1 or 2; empty leaves the default of contract.hpp")
set(ASHLAR_OUT "${PROJECT_BINARY_DIR}" CACHE PATH "Programs go to bin/ and libraries to lib/ in here")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${ASHLAR_OUT}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${ASHLAR_OUT}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${ASHLAR_OUT}/lib)
