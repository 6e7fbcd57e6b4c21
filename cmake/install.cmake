# `cmake --install` and find_package(ashlar CONFIG). Targets are named ashlar::ashlar (the toolkit) and ashlar::<layer>.
include(CMakePackageConfigHelpers)
install(TARGETS ashlar ashlar-headers EXPORT ashlar)
install(DIRECTORY include/ashlar ${ASHLAR_UMBRELLAS}/ashlar DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ashlar)
install(EXPORT ashlar NAMESPACE ashlar:: FILE ashlar-targets.cmake DESTINATION ${package_dir})
file(WRITE ${PROJECT_BINARY_DIR}/ashlar-config.cmake
"include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)
include(\${CMAKE_CURRENT_LIST_DIR}/ashlar-targets.cmake)
")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ashlar-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ashlar-config.cmake ${PROJECT_BINARY_DIR}/ashlar-config-version.cmake
        DESTINATION ${package_dir})
