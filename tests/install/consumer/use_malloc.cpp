// The program's malloc is Ashlar's once it is linked: blocks of each interface, freed by their own.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

int main() {
    const std::unique_ptr<void, decltype(&std::free)> block(std::malloc(1000), &std::free);
    const auto text = std::make_unique<std::string>(5000, 'x');
    if (block == nullptr) return 1;
    std::memset(block.get(), 1, 1000);
    return text->size() == 5000 ? 0 : 1;
}
