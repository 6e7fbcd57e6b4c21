// The replay of as many steps as the argument says, on nothing: what is left is the engine. counted.py runs this file's program.
// at most 12 instructions a step
#include "ashlar/observe/replay_loop.hpp"

#include <array>
#include <cstdlib>

namespace {

constexpr std::size_t most = 40'000;
std::array<ashlar::replay_step, most> steps;
std::array<ashlar::replay_slot, 64> slots;
std::array<std::byte, 4096> room;

/// As in the traces of programs: an allocation and a free of each block, sizes and slots all over the place.
void prepare() {
    std::uint64_t state = 1;
    std::array<bool, slots.size()> live{};
    std::array<std::uint64_t, slots.size()> sizes{};
    for (auto& step : steps) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const auto slot = static_cast<std::uint32_t>(state >> 58);
        const bool ends = live[slot];
        if (!ends) sizes[slot] = 1 + (state >> 40) % 4096;
        live[slot] = !ends;
        step = {sizes[slot], slot, 0, 4, ends ? ashlar::replay_op::deallocate : ashlar::replay_op::allocate};
    }
}

}  // namespace

int main(int count, char** arguments) {
    const std::size_t wanted = count == 2 ? std::strtoull(arguments[1], nullptr, 10) : 0;
    if (wanted > most) return 2;
    prepare();
    ashlar::null_heap heap(room.data());
    return ashlar::replay(heap, steps, slots, 0, wanted, ashlar::replay_touch::none) == wanted ? 0 : 1;
}
