# cmake -DVIEWER=folder -DUPLOT=folder -DOUT=file.cpp -P embed.cmake
# Puts style and script into index.html, states their hashes in its content security policy, and writes what lies
# before and after {{data}} as two byte arrays: bytes need no quoting, whatever the scripts contain.
cmake_minimum_required(VERSION 3.25)

# The SHA-256 of `text` in base64, as a content security policy wants it.
function(policy_hash text result)
    set(digits ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
    string(SHA256 hex "${text}")
    set(base64)
    # 64 hex digits and two zeros are 22 groups of three digits, 12 bits, two letters; one letter is padding.
    foreach(group RANGE 21)
        math(EXPR at "${group} * 3")
        string(SUBSTRING "${hex}00" ${at} 3 three)
        math(EXPR high "0x${three} >> 6")
        math(EXPR low "0x${three} & 63")
        string(SUBSTRING ${digits} ${high} 1 first)
        string(SUBSTRING ${digits} ${low} 1 second)
        string(APPEND base64 "${first}${second}")
    endforeach()
    string(SUBSTRING "${base64}" 0 43 base64)
    set(${result} "sha256-${base64}=" PARENT_SCOPE)
endfunction()

function(byte_array name text result)
    string(HEX "${text}" hex)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    set(${result} "const unsigned char ${name}[] = {${bytes}};\n" PARENT_SCOPE)
endfunction()

file(READ ${UPLOT}/uPlot.min.css style)
file(READ ${VIEWER}/style.css own_style)
string(APPEND style "\n${own_style}")
file(READ ${UPLOT}/uPlot.iife.min.js script)
string(APPEND script "\n(() => {\n")
foreach(part IN ITEMS format draw timeline flame reallocations pages film sections compare outcome main)
    file(READ ${VIEWER}/${part}.js text)
    string(APPEND script "${text}")
endforeach()
string(APPEND script "})();\n")
foreach(text IN ITEMS "${style}" "${script}")
    if(text MATCHES "</[sS]|<!--")
        message(FATAL_ERROR "a script or style contains a sequence that would end its element: ${CMAKE_MATCH_0}")
    endif()
endforeach()

policy_hash("${style}" style_hash)
policy_hash("${script}" script_hash)
file(READ ${VIEWER}/index.html page)
string(REPLACE "{{policy}}" "default-src 'none'; style-src '${style_hash}'; script-src '${script_hash}'; \
base-uri 'none'; form-action 'none'" page "${page}")
string(REPLACE "{{style}}" "${style}" page "${page}")
string(REPLACE "{{script}}" "${script}" page "${page}")
string(FIND "${page}" "{{data}}" middle)
string(SUBSTRING "${page}" 0 ${middle} before)
math(EXPR after_data "${middle} + 8")
string(SUBSTRING "${page}" ${after_data} -1 after)

byte_array(before "${before}" before_array)
byte_array(after "${after}" after_array)
file(WRITE ${OUT} "// Written by apps/viewer/embed.cmake.
#include \"viewer_frame.hpp\"

namespace ashlar::app {
namespace {
${before_array}${after_array}}  // namespace

std::string_view frame_before_data() noexcept { return {reinterpret_cast<const char*>(before), sizeof before}; }
std::string_view frame_after_data() noexcept { return {reinterpret_cast<const char*>(after), sizeof after}; }

}  // namespace ashlar::app
")
