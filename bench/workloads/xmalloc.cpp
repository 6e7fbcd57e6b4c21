// xmalloc - some threads only allocate, others only free.
//
// Stresses: the throughput of remote frees, and memory that must find its way back to its maker.
// Source:   Lever and Boreham, "malloc() Performance in a Multithreaded Linux Environment", USENIX 2000 (FREENIX).

#include "channel.hpp"
#include "support.hpp"

using namespace bench;

int main(int argc, char** argv) {
    constexpr std::size_t batch_size = 4096, block_size = 64, most_queued = 32;
    const options o(argc, argv);
    const int pairs = o.threads > 1 ? o.threads / 2 : 1;
    const std::size_t batches = o.times(2'000);
    channel<std::vector<piece>> shared(batches < most_queued ? batches : most_queued);
    in_threads(2 * pairs, [&](int t) {
        const bool makes = t % 2 == 0;
        for (std::size_t i = 0; i < batches; ++i) {
            if (makes) {
                std::vector<piece> batch(batch_size);
                for (piece& p : batch) p = take(block_size);
                shared.push(std::move(batch));
            } else {
                for (auto batch = shared.pop(); piece& p : batch) give(p);
            }
        }
    });
}
