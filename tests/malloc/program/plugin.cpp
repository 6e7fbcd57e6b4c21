// A library that allocates when it is opened, used and closed.
#include <cstdlib>
#include <string>
#include <vector>

namespace {
std::vector<std::string> kept(100, std::string(100, 'p'));
}

extern "C" void* plugin_take(std::size_t size) {
    kept.push_back(std::string(size, 'q'));
    return std::malloc(size);
}
extern "C" void* plugin_make(std::size_t size) {
    void* const p = std::malloc(size);
    if (p != nullptr) *static_cast<char*>(p) = 'm';  // so that malloc returns to here
    return p;
}
extern "C" void plugin_give(void* p) { std::free(p); }
