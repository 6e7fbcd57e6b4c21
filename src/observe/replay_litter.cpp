// Numbers of its own, not std's distributions: those differ between libraries, and the litter must not (replay_litter.I1).
#include "ashlar/observe/replay_litter.hpp"

#include <utility>

namespace ashlar {
namespace {

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
class split_mix {
public:
    explicit split_mix(std::uint64_t seed) : state_(seed) {}
    std::uint64_t below(std::uint64_t limit) { return next() % limit; }

private:
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
    }
    std::uint64_t state_;
};

}  // namespace

std::vector<replay_step> make_litter(std::span<const replay_step> steps, const litter_options& options) {
    std::vector<replay_step> requests;
    for (const auto& step : steps) {
        if (step.op != replay_op::deallocate) requests.push_back(step);
    }
    if (requests.empty()) return {};
    split_mix random(options.seed);
    std::vector<replay_step> litter;
    for (std::uint64_t granted = 0; granted < options.bytes && litter.size() < options.most_blocks;) {
        replay_step grant = requests[random.below(requests.size())];
        grant.op = replay_op::allocate;
        grant.slot = static_cast<std::uint32_t>(litter.size());
        grant.thread = 0;
        granted += grant.size;
        litter.push_back(grant);
    }
    const std::size_t blocks = litter.size();
    std::vector<std::size_t> order(blocks);
    for (std::size_t i = 0; i < blocks; ++i) order[i] = i;
    for (std::size_t i = blocks; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (std::size_t i = 0; i < blocks / 2; ++i) {
        replay_step end = litter[order[i]];
        end.op = replay_op::deallocate;
        litter.push_back(end);
    }
    return litter;
}

}  // namespace ashlar
