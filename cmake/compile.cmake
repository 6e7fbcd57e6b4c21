# How every target of ours is compiled. Nothing here reaches a project that uses the installed library.
add_library(ashlar-compile INTERFACE)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

target_compile_options(ashlar-compile INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-align -Wnon-virtual-dtor
    -Woverloaded-virtual -Wnull-dereference -Wformat=2 -Wundef
    $<$<BOOL:${ASHLAR_WERROR}>:-Werror>
    # Paths in messages and debug information start at the project: builds are alike wherever the clone lies.
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports -Wnull-dereference in std code that it inlined at -O2; the clang presets keep it on.
    target_compile_options(ashlar-compile INTERFACE -Wno-null-dereference)
else()
    # clang also reports what a test defines only so that a concept is met.
    target_compile_options(ashlar-compile INTERFACE -Wno-unneeded-internal-declaration)
endif()
if(NOT ASHLAR_CHECKS STREQUAL "")
    target_compile_definitions(ashlar-compile INTERFACE ASHLAR_CHECKS=${ASHLAR_CHECKS})
endif()
# Line numbers and the names of functions, in every tree but that for a debugger: variables cost a third of the compile time.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
if(ASHLAR_SANITIZE)
    # The address sanitizer's tree is unoptimised: compiling it costs more than running it. The thread sanitizer's is small.
    set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
    if(ASHLAR_SANITIZE MATCHES "thread")
        set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
    endif()
    set(sanitize -fsanitize=${ASHLAR_SANITIZE} -fno-omit-frame-pointer)
    if(ASHLAR_SANITIZE MATCHES "undefined")
        list(APPEND sanitize -fno-sanitize-recover=all)
    endif()
    target_compile_options(ashlar-compile INTERFACE ${sanitize})
    target_link_options(ashlar-compile INTERFACE ${sanitize})
endif()

# ccache, keyed on paths relative to the clone, so that every clone shares what was compiled once.
find_program(CCACHE ccache)
find_program(ENV_PROGRAM env)
if(CCACHE AND ENV_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${ENV_PROGRAM} CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
    # What ccache asks for where headers are precompiled.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
    else()
        add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
    endif()
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
