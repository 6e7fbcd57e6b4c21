# Installs BUILD to a folder, moves the folder (an installed tree may be moved), and builds and runs CONSUMER on it.
file(REMOVE_RECURSE ${PLACE})
function(run)
    execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${PLACE}/first)
file(RENAME ${PLACE}/first ${PLACE}/prefix)
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${PLACE}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${PLACE}/prefix
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${PLACE}/build)
run(${CMAKE_COMMAND} -E chdir ${PLACE}/build ${CMAKE_CTEST_COMMAND} --output-on-failure --no-tests=error)

# Nothing that was installed names the folder it was built in.
file(GLOB_RECURSE texts ${PLACE}/prefix/*.cmake ${PLACE}/prefix/*.hpp)
get_filename_component(source ${CONSUMER}/../../.. ABSOLUTE)
foreach(text IN LISTS texts)
    file(READ ${text} content)
    string(FIND "${content}" "${source}" at)
    if(NOT at EQUAL -1)
        message(FATAL_ERROR "${text} names ${source}")
    endif()
endforeach()
