// Uses the headers alone.
#include <ashlar/foundation/layout.hpp>

int main() {
    const auto layout = ashlar::layout::make(100, 16);
    return layout && layout->padded().size() == 112 ? 0 : 1;
}
