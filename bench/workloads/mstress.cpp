// mstress - threads that keep some blocks, pass others on, and are ended and replaced round after round.
//
// Stresses: power-of-two sizes with a long tail, blocks that outlive their thread, memory retained between rounds.
// Source:   Leijen, mimalloc's test-stress, as described in "Mimalloc: Free List Sharding in Action", APLAS 2019.

#include <array>
#include <atomic>

#include "support.hpp"

using namespace bench;

namespace {

constexpr std::size_t exchange_slots = 1000;
std::array<std::atomic<piece*>, exchange_slots> exchange{};

// The sizes of objects in a managed language: mostly tens to hundreds of bytes, now and then 100 times that.
piece make(dice& choose) {
    const std::size_t lottery = choose.below(100);
    const std::size_t unit = lottery == 0 ? 100 : lottery < 10 ? 10 : 1;
    const std::size_t items = choose.halving(1, 32);
    return take(items * unit * sizeof(void*));
}

// Leave a block in the exchange for whichever thread comes by, and free what lay there.
void pass_on(piece b, dice& choose) {
    auto* parcel = new piece(b);
    parcel = exchange[choose.below(exchange_slots)].exchange(parcel, std::memory_order_acq_rel);  // pairs with itself
    if (!parcel) return;
    give(*parcel);
    delete parcel;
}

void worker(std::uint64_t seed, std::size_t allocations) {
    dice choose(seed);
    std::vector<piece> live, retained(allocations / 5);
    std::size_t kept = 0;
    while (allocations > 0) {
        const std::size_t action = choose.below(100);
        if (action < 50) {
            --allocations;
            live.push_back(make(choose));
        } else if (action < 60 && kept < retained.size()) {
            --allocations;
            retained[kept++] = make(choose);
        } else if (!live.empty()) {
            piece& b = live[choose.below(live.size())];
            if (action < 75) pass_on(b, choose);
            else give(b);
            b = live.back();
            live.pop_back();
        }
    }
    for (piece& b : live) give(b);
    for (piece& b : retained) give(b);
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    constexpr std::size_t rounds = 20;
    const std::size_t each = o.times(320'000) / static_cast<std::size_t>(o.threads);
    for (std::size_t r = 0; r < rounds; ++r) {
        in_threads(o.threads, [&](int t) { worker(r * 64 + static_cast<std::size_t>(t), each + 5); });
        // Every other round the main thread clears part of the exchange: those blocks come from ended threads.
        for (std::size_t i = r % 2; i < exchange_slots; i += 2) {
            if (piece* parcel = exchange[i].exchange(nullptr)) { give(*parcel); delete parcel; }
        }
    }
    for (auto& slot : exchange) {
        if (piece* parcel = slot.exchange(nullptr)) { give(*parcel); delete parcel; }
    }
}
