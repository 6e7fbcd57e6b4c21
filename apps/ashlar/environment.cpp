// See environment.hpp.
#include "environment.hpp"

#include <unistd.h>

#include <algorithm>

#include "failure.hpp"

namespace ashlar::app {
namespace {

bool names(const std::string& variable, const std::string& name) {
    return variable.size() > name.size() && variable[name.size()] == '=' && variable.compare(0, name.size(), name) == 0;
}

}  // namespace

environment::environment() {
    for (char** variable = environ; *variable != nullptr; ++variable) variables_.emplace_back(*variable);
}

void environment::remove(const std::string& name) {
    std::erase_if(variables_, [&](const std::string& variable) { return names(variable, name); });
}

void environment::set(const std::string& name, const std::string& value) {
    remove(name);
    variables_.push_back(name + "=" + value);
}

void environment::preload(const std::string& library) {
    // The loader splits at both, and there is no way to quote.
    if (library.find_first_of(" :") != std::string::npos) {
        throw failure(failed, library + " cannot be preloaded: its path has a blank or a colon");
    }
    const std::string before = value("LD_PRELOAD");
    set("LD_PRELOAD", before.empty() ? library : library + ":" + before);
}

void environment::append(const std::string& name, char separator, const std::string& more) {
    const std::string before = value(name);
    set(name, before.empty() ? more : before + separator + more);
}

std::string environment::value(const std::string& name) const {
    const auto found = std::find_if(variables_.begin(), variables_.end(), [&](const std::string& variable) { return names(variable, name); });
    return found == variables_.end() ? "" : found->substr(name.size() + 1);
}

char* const* environment::data() {
    pointers_.clear();
    for (auto& variable : variables_) pointers_.push_back(variable.data());
    pointers_.push_back(nullptr);
    return pointers_.data();
}

}  // namespace ashlar::app
