// xmalloc - some threads only allocate, others only free.
//
// Stresses: the throughput of remote frees, and memory that must find its way back to its maker.
// Source:   Lever and Boreham, "malloc() Performance in a Multithreaded Linux Environment", USENIX 2000 (FREENIX).
// The queue is bounded, so that peak RSS tells of the malloc and not of which side was scheduled more.

#include <condition_variable>
#include <deque>
#include <mutex>

#include "support.hpp"

using namespace bench;

namespace {

constexpr std::size_t batch_size = 4096, block_size = 64, most_queued = 32;
using batch = std::vector<piece>;

class queue {
public:
    void push(batch&& b) {
        std::unique_lock lock(guard_);
        room_.wait(lock, [this] { return batches_.size() < most_queued; });
        batches_.push_back(std::move(b));
        work_.notify_one();
    }
    batch pop() {
        std::unique_lock lock(guard_);
        work_.wait(lock, [this] { return !batches_.empty(); });
        batch b = std::move(batches_.front());
        batches_.pop_front();
        room_.notify_one();
        return b;
    }

private:
    std::mutex guard_;
    std::condition_variable room_, work_;
    std::deque<batch> batches_;
};

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    const int pairs = o.threads > 1 ? o.threads / 2 : 1;
    const std::size_t batches = o.times(2'500);
    queue shared;
    in_threads(2 * pairs, [&](int t) {
        const bool makes = t % 2 == 0;
        for (std::size_t i = 0; i < batches; ++i) {
            if (makes) {
                batch b(batch_size);
                for (piece& p : b) p = take(block_size);
                shared.push(std::move(b));
            } else {
                for (batch b = shared.pop(); piece& p : b) give(p);
            }
        }
    });
}
