// larson - a server whose threads replace random blocks, then hand all of them to a successor and end.
//
// Stresses: frees of blocks that a thread now gone has allocated, at a steady number of live blocks (8 to 1000 bytes).
// Source:   Larson and Krishnan, "Memory Allocation for Long-Running Server Applications", ISMM 1998.
// Variant:  "sized" uses sized operator delete, otherwise plain delete.

#include <latch>

#include "support.hpp"

using namespace bench;

namespace {

constexpr std::size_t slots = 5000, low = 8, high = 1000, generations = 25;

template <class Source>
struct lineage {
    std::vector<piece> held;
    std::size_t replacements;
    std::latch& done;
    dice choose;

    // One thread's life: replace, then start the heir. The last one gives everything back.
    void live(std::size_t left) {
        for (std::size_t i = 0; i < replacements; ++i) {
            piece& victim = held[choose.below(held.size())];
            give<Source>(victim);
            victim = take<Source>(choose.between(low, high));
        }
        if (left > 1) {
            std::thread([this, left] { live(left - 1); }).detach();
            return;
        }
        for (piece& b : held) give<Source>(b);
        done.count_down();
    }
};

template <class Source>
void serve(const options& o) {
    std::latch done(o.threads);
    std::vector<lineage<Source>> all;
    all.reserve(static_cast<std::size_t>(o.threads));
    for (int t = 0; t < o.threads; ++t) {
        all.push_back({std::vector<piece>(slots), o.times(120'000), done, dice(static_cast<std::uint64_t>(t) + 1)});
    }
    // The main thread fills everyone's slots in turn, so that neighbours belong to different threads at first.
    for (std::size_t i = 0; i < slots; ++i) {
        for (auto& each : all) each.held[i] = take<Source>(each.choose.between(low, high));
    }
    for (int t = 0; t < o.threads; ++t) {
        std::thread([&each = all[static_cast<std::size_t>(t)], t] {
            sit_on_core(t);
            each.live(generations);
        }).detach();
    }
    done.wait();
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    if (o.is("sized")) serve<by_sized_delete>(o);
    else serve<by_new>(o);
}
