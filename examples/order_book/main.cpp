// examples/order_book - a market on pools: orders arrive, trade, and are cancelled by handle.
//
// The same stream of messages goes through two books that differ in one thing: where an order lives. Both must trade the
// same shares, refuse the same stale cancellations and keep the balance; then the time of each is printed.

#include <cstdio>
#include <ctime>
#include <vector>

#include "stores.hpp"

using namespace order_book;

namespace {

constexpr std::size_t messages = 300'000;

struct outcome {
    std::uint64_t traded, resting;
    std::size_t refused;  // cancellations of orders that were gone
    bool balanced;
    double nanoseconds;  // a message
    bool same_as(const outcome& o) const {
        return traded == o.traded && resting == o.resting && refused == o.refused && balanced && o.balanced;
    }
};

double processor_nanoseconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// Prices wander around a middle; half of the messages cancel an order of the last few thousand, if it is still there.
template <class Store>
outcome play() {
    book<Store> market;
    std::vector<typename book<Store>::handle> recent(4096);
    std::uint64_t dice = 42;
    std::size_t refused = 0, next = 0;
    const auto roll = [&](std::uint32_t n) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::uint32_t>((dice >> 33) % n);
    };
    const double begin = processor_nanoseconds();
    for (std::size_t i = 0; i < messages; ++i) {
        if (roll(100) < 48) {
            refused += !market.cancel(recent[roll(static_cast<std::uint32_t>(recent.size()))]);
        } else {
            const side s = roll(2) == 0 ? side::buy : side::sell;
            const std::uint32_t away = roll(64), middle = 480 + roll(64);
            recent[next++ % recent.size()] = market.add(s, s == side::buy ? middle - away : middle + away, 1 + roll(500));
        }
    }
    const double spent = (processor_nanoseconds() - begin) / static_cast<double>(messages);
    return {market.traded(), market.resting(), refused, market.balanced(), spent};
}

void print(const char* name, const outcome& o) {
    std::printf("%-28s %10llu shares traded, %8llu resting, %6zu stale cancels refused, %6.0f ns a message\n", name,
                static_cast<unsigned long long>(o.traded), static_cast<unsigned long long>(o.resting), o.refused,
                o.nanoseconds);
}

}  // namespace

int main() {
    const outcome pooled = play<in_pool>(), heaped = play<on_heap>();
    print("object_pool and handles", pooled);
    print("operator new and a table", heaped);
    if (!pooled.same_as(heaped)) {
        std::puts("the two books disagree, or lost a share");
        return 1;
    }
    return pooled.traded != 0 && pooled.refused != 0 ? 0 : 1;
}
