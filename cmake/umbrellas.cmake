# layers.toml, and the headers that include a layer or the toolkit at once.

# Reads layers.toml into ASHLAR_LAYERS (those with a folder) and ASHLAR_DEPENDS_<layer>, in the caller's scope.
function(ashlar_read_layers)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/layers.toml)
    file(STRINGS ${PROJECT_SOURCE_DIR}/layers.toml lines)
    set(names)
    set(in_layers FALSE)
    foreach(line IN LISTS lines)
        if(line MATCHES "^\\[(.*)\\]$")
            string(COMPARE EQUAL "${CMAKE_MATCH_1}" "layers" in_layers)
        elseif(in_layers AND line MATCHES "^([a-z_]+)[ ]*=[ ]*\\[([^]]*)\\]")
            set(name ${CMAKE_MATCH_1})
            string(REGEX MATCHALL "[a-z_]+" depends "${CMAKE_MATCH_2}")
            file(GLOB folder CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/ashlar/${name} ${PROJECT_SOURCE_DIR}/src/${name})
            if(folder)
                list(APPEND names ${name})
            endif()
            set(ASHLAR_DEPENDS_${name} "${depends}" PARENT_SCOPE)
        endif()
    endforeach()
    set(ASHLAR_LAYERS ${names} PARENT_SCOPE)
endfunction()

# Writes ashlar/<layer>.hpp, which includes the layer's components, and ashlar/ashlar.hpp, which includes what most programs
# use: the layers of the toolkit, without the components named here. Those would bring in std headers that cost more than
# all of the rest: whoever wants std::pmr includes it, and tests name their aids.
set(ASHLAR_TOOLKIT foundation os strategy compose ownership)
# The adapters include what a program may not have.
set(ASHLAR_NOT_IN_LAYER async/asio.hpp async/boost_asio.hpp)
set(ASHLAR_NOT_IN_TOOLKIT compose/resource compose/thread_cached os/failing_pages os/range_set)
function(ashlar_write_umbrellas)
    set(all)
    foreach(layer IN LISTS ASHLAR_LAYERS)
        file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include
             ${PROJECT_SOURCE_DIR}/include/ashlar/${layer}/*.hpp)
        foreach(component IN LISTS ASHLAR_NOT_IN_LAYER)
            list(REMOVE_ITEM headers ashlar/${component})
        endforeach()
        list(TRANSFORM headers REPLACE "(.+)" "#include \"\\1\"\n")
        list(JOIN headers "" content)
        file(CONFIGURE OUTPUT ${ASHLAR_UMBRELLAS}/ashlar/${layer}.hpp @ONLY
             CONTENT "// ashlar/${layer}.hpp - every component of the layer ${layer}.\n#pragma once\n\n${content}")
        if(layer IN_LIST ASHLAR_TOOLKIT)
            foreach(component IN LISTS ASHLAR_NOT_IN_TOOLKIT)
                string(REPLACE "#include \"ashlar/${component}.hpp\"\n" "" content "${content}")
            endforeach()
            string(APPEND all "${content}")
        endif()
    endforeach()
    file(CONFIGURE OUTPUT ${ASHLAR_UMBRELLAS}/ashlar/ashlar.hpp @ONLY
         CONTENT "// ashlar/ashlar.hpp - the toolkit: foundation, os, strategy, compose, ownership.\n#pragma once\n\n${all}")
endfunction()
