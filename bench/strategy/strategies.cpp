// strategies - Ashlar's strategies and the resources of std::pmr and Boost.Container, side by side on the same orders.
//
// Usage:  strategies [rounds]
// Output: one JSON object per line: order, size, heap, ns per operation of every round, peak footprint over live bytes.
// Rounds are interleaved: every heap runs once before any runs again, made anew from the same warm memory. Each loop
// is compiled for its heap alone.

#include <memory_resource>

#include "../toolkit/rounds.hpp"
#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/buddy.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/first_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/next_fit.hpp"
#include "ashlar/strategy/page.hpp"
#include "ashlar/strategy/segregated.hpp"
#include "ashlar/strategy/system.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "heaps.hpp"
#include "orders.hpp"
#if ASHLAR_PEER_BOOST_CONTAINER
#include <boost/container/pmr/monotonic_buffer_resource.hpp>
#include <boost/container/pmr/unsynchronized_pool_resource.hpp>
#endif

using namespace bench;

namespace {

constexpr std::size_t warm_bytes = 160u << 20, buffer_bytes = 96u << 20;

struct figures {
    std::vector<double> nanoseconds;
    double over_live = 0;  // 0: not known
};

template <class Heap>
struct candidate {
    const char* name;
    std::size_t blocks = batch;  // fewer for what makes a system call each time

    template <class Order>
    [[gnu::noinline]] void run(warm& memory, const Order& order, std::size_t size, figures& into) const {
        memory.start_again();
        Heap heap(memory);
        const double begin = processor_nanoseconds();
        const work done = order(heap, size, blocks);
        into.nanoseconds.push_back((processor_nanoseconds() - begin) / static_cast<double>(done.operations));
        if (const auto footprint = heap.footprint(); footprint && done.live != 0) {
            into.over_live = static_cast<double>(*footprint) / static_cast<double>(done.live);
        }
    }
};

void print(const char* order, std::size_t size, const char* heap, const figures& f) {
    std::printf("{\"order\": \"%s\", \"size\": %zu, \"heap\": \"%s\", \"over_live\": %.4f, ", order, size, heap,
                f.over_live);
    print_rounds("ns", f.nanoseconds);
}

template <class Order, class... Candidates>
void compete(warm& memory, int rounds, const char* name, const Order& order, std::size_t size,
             const Candidates&... all) {
    std::vector<figures> found(sizeof...(all));
    for (int round = 0; round < rounds; ++round) {
        std::size_t place = 0;
        (all.run(memory, order, size, found[place++]), ...);
    }
    std::size_t place = 0;
    (print(name, size, all.name, found[place++]), ...);
}

// Every order among the given heaps.
template <class... Candidates>
void compete_in_all(warm& memory, int rounds, const Candidates&... all) {
    for (const std::size_t size : {16u, 256u, 4096u}) {
        compete(memory, rounds, "single", single{}, size, all...);
        compete(memory, rounds, "bulk", batches::forwards(), size, all...);
        compete(memory, rounds, "reversed", batches::reversed(), size, all...);
        compete(memory, rounds, "butterfly", batches::butterfly(), size, all...);
    }
    compete(memory, rounds, "mixed", mixed(40'000), 0, all...);
}

// What never gives single blocks back, next to what monotonic_buffer_resource does.
template <class... Candidates>
void compete_with_objects(warm& memory, int rounds, const Candidates&... all) {
    compete(memory, rounds, "objects", objects<16>{}, 16, all...);
    compete(memory, rounds, "objects", objects<32>{}, 32, all...);
    compete(memory, rounds, "objects", objects<64>{}, 64, all...);
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
    expect(rounds > 0, "usage: strategies [rounds > 0]");
    warm memory(warm_bytes);
    const candidate<in_buffer<buffer_bytes, [](ashlar::block b) { return ashlar::bump(b); }>> bump{"bump"};
    const candidate<ours<[](warm& w) { return ashlar::arena<warm>(ashlar::ref<warm>(w)); }>> arena{"arena"};
    const candidate<pmr<std::pmr::monotonic_buffer_resource>> pmr_monotonic{"pmr monotonic"};
#if ASHLAR_PEER_BOOST_CONTAINER
    namespace boost_pmr = boost::container::pmr;
    const candidate<pmr<boost_pmr::monotonic_buffer_resource, boost_pmr::memory_resource>> boost_monotonic{"boost monotonic"};
#endif
    compete_in_all(
        memory, rounds,
        candidate<apart<[](warm&) { return ashlar::system(); }>>{"system"},
        candidate<apart<[](warm&) { return ashlar::page<>(); }>>{"page", 500},
        bump, arena,
        candidate<ours<[](warm& w) { return ashlar::free_list<ashlar::first_fit, warm>(ashlar::ref<warm>(w)); }>>{"first fit"},
        candidate<ours<[](warm& w) { return ashlar::free_list<ashlar::next_fit, warm>(ashlar::ref<warm>(w)); }>>{"next fit"},
        candidate<ours<[](warm& w) { return ashlar::free_list<ashlar::best_fit, warm>(ashlar::ref<warm>(w)); }>>{"best fit"},
        candidate<ours<[](warm& w) { return ashlar::free_list<ashlar::tlsf, warm>(ashlar::ref<warm>(w)); }>>{"tlsf"},
        candidate<ours<[](warm& w) { return ashlar::buddy<warm>(ashlar::ref<warm>(w)); }>>{"buddy"},
        candidate<ours<[](warm& w) { return ashlar::segregated<warm>(ashlar::ref<warm>(w)); }>>{"segregated"},
        pmr_monotonic,
        candidate<pmr<std::pmr::unsynchronized_pool_resource>>{"pmr pool"},
#if ASHLAR_PEER_BOOST_CONTAINER
        boost_monotonic, candidate<pmr<boost_pmr::unsynchronized_pool_resource, boost_pmr::memory_resource>>{"boost pool"},
#endif
        candidate<pmr_new_delete>{"pmr new_delete"});
#if ASHLAR_PEER_BOOST_CONTAINER
    compete_with_objects(memory, rounds, bump, arena, pmr_monotonic, boost_monotonic);
#else
    compete_with_objects(memory, rounds, bump, arena, pmr_monotonic);
#endif
}
