// phases - a server with worker threads that live on: peak, idle, peak, idle.
//
// Stresses: memory given back. After each peak all but one block in a thousand is freed and the process idles: first
//           without a single call to the malloc, then with a few small ones. The resident memory is read at the end
//           of each idle phase, after two seconds and after one.
// Source:   the complaint of microsoft/mimalloc issues 351 and 440, jemalloc issue 2688; workload of our own.
//
// The time that it reports is that of the busy phases alone.

#include <barrier>
#include <chrono>

#include "support.hpp"

using namespace bench;
using namespace std::chrono_literals;

namespace {

using clock_type = std::chrono::steady_clock;

struct worker {
    dice choose;
    std::vector<piece> survivors;

    // Build a data set of about `bytes`, some churn in it, and free it in random order but for the survivors.
    void peak(std::size_t bytes) {
        std::vector<piece> set;
        for (std::size_t made = 0; made < bytes;) {
            const bool large = choose.below(500) == 0;
            const std::size_t size = large ? choose.between(20'000, 400'000) : choose.halving(16, 2'048);
            set.push_back(take(size));
            set.back().touch();
            made += size;
            for (int churn = 0; churn < 2; ++churn) {
                piece& b = set[choose.below(set.size())];
                give(b);
                b = take(choose.halving(16, 2'048));
            }
        }
        for (std::size_t i = set.size(); i-- > 1;) std::swap(set[i], set[choose.below(i + 1)]);
        for (piece& b : set) {
            if (b.size < 20'000 && choose.below(1000) == 0) survivors.push_back(b);
            else give(b);
        }
    }
};

void idle(std::chrono::duration<double> time, bool ticking) {
    for (const auto end = clock_type::now() + time; clock_type::now() < end;) {
        std::this_thread::sleep_for(ticking ? 20ms : std::chrono::duration_cast<std::chrono::milliseconds>(time));
        if (!ticking) continue;
        for (std::size_t size : {24u, 200u, 3'000u, 40'000u}) { piece b = take(size); give(b); }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    const double patience = o.scale < 1 ? o.scale : 1;
    std::barrier turn(o.threads + 1);
    std::vector<std::thread> crew;
    for (int t = 0; t < o.threads; ++t) {
        crew.emplace_back([&, t] {
            sit_on_core(t);
            worker w{dice(static_cast<std::uint64_t>(t) + 1), {}};
            for (int phase = 0; phase < 2; ++phase) {
                turn.arrive_and_wait();
                w.peak(o.times(120 << 20) / static_cast<std::size_t>(o.threads));
                turn.arrive_and_wait();
            }
            turn.arrive_and_wait();
            for (piece& b : w.survivors) give(b);
        });
    }
    double busy = 0;
    for (const bool ticking : {false, true}) {
        const auto start = clock_type::now();
        turn.arrive_and_wait();
        turn.arrive_and_wait();
        busy += std::chrono::duration<double>(clock_type::now() - start).count();
        idle(std::chrono::duration<double>(patience * (ticking ? 1 : 2)), ticking);
        report(ticking ? "rss_after_ticking_idle_mib" : "rss_after_silent_idle_mib", resident_kib() / 1024);
    }
    turn.arrive_and_wait();
    for (auto& t : crew) t.join();
    report("seconds", busy);
}
