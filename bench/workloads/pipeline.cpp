// pipeline - messages pass through three threads; each stage makes a new message and frees the one it was given.
//
// Stresses: producers and consumers that never swap roles: every free is remote, and a malloc whose remote frees are
//           collected late grows.
// Source:   the pattern of microsoft/mimalloc issues 1364 and 1117 (free-only threads); workload of our own.

#include <array>

#include "channel.hpp"
#include "support.hpp"

using namespace bench;

namespace {

constexpr std::size_t stages = 3, per_batch = 64, most_queued = 64;
using batch = std::vector<piece>;

// The next stage's message: as long as the old one, less its header, plus a new header; now and then a large one.
piece derive(piece& from, dice& choose) {
    const bool large = choose.below(200) == 0;
    const piece made = take(large ? choose.between(8'192, 65'536) : choose.between(32, 64) + from.size / 2);
    give(from);
    return made;
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    const std::size_t batches = o.times(20'000), queued = batches < most_queued ? batches : most_queued;
    std::array<channel<batch>, stages - 1> between{channel<batch>(queued), channel<batch>(queued)};
    in_threads(stages, [&](int t) {
        const auto stage = static_cast<std::size_t>(t);
        dice choose(stage + 1);
        for (std::size_t n = 0; n < batches; ++n) {
            batch b = stage == 0 ? batch(per_batch) : between[stage - 1].pop();
            for (piece& message : b) {
                if (stage == 0) message = take(choose.halving(32, 4'096));
                else if (stage < stages - 1) message = derive(message, choose);
                else give(message);
            }
            if (stage < stages - 1) between[stage].push(std::move(b));
        }
    });
}
