// pools - blocks of one size, from Ashlar's pools and from those of others, in four orders.
//
// Usage:  pools [rounds]
// Output: one JSON object per line: order, size, heap, ns per operation of every round.
// Source: the orders are those of foonathan/memory's benchmark: single, bulk, reversed and butterfly.
// Rounds are interleaved: every heap runs once before any runs again, made anew from the same touched memory; what it
// costs to take that memory counts, and the caches begin alike. Each loop is compiled for its heap alone. Peers are compared where they are installed.

#include <memory_resource>
#include <mutex>

#include "../strategy/heaps.hpp"
#include "../workloads/support.hpp"
#include "ashlar/compose/locked.hpp"
#include "ashlar/ownership/object_pool.hpp"
#include "ashlar/strategy/pool.hpp"
#include "ashlar/strategy/slab.hpp"
#include "peers.hpp"
#include "rounds.hpp"

using namespace bench;

namespace {

constexpr std::size_t batch = 10'000, times = 4;
constexpr std::size_t few = 1'000;  // for what takes a step for each free block

template <std::size_t Size>
struct object {
    object() noexcept {}  // no heap fills what it grants
    alignas(Size < 16 ? Size : 16) std::byte bytes[Size];
};

/// No heap at all: addresses side by side, from the first again after so many. What is left is the client's own work.
template <std::size_t Size, std::size_t Blocks>
class client_alone {
public:
    explicit client_alone(warm& w) : begin_(w.allocate(layout_of(stride * Blocks))->data), at_(begin_) {}
    void* allocate() {
        std::byte* const p = at_;
        at_ = p == begin_ + stride * (Blocks - 1) ? begin_ : p + stride;
        return p;
    }
    void deallocate(void*) {}

private:
    static constexpr std::size_t stride = ashlar::pool<Size, 16, warm>::block_size;
    std::byte* begin_;
    std::byte* at_;
};

// ---- Ashlar's -------------------------------------------------------------------------------------------

template <class A, std::size_t Size>
class ours_of_one_size {
public:
    explicit ours_of_one_size(warm& w) : made_(ashlar::ref<warm>(w)) {}
    void* allocate() {
        const auto granted = made_.allocate(*ashlar::layout::make(Size, 16));
        return granted ? granted->data : nullptr;
    }
    void deallocate(void* p) { made_.deallocate(static_cast<std::byte*>(p), *ashlar::layout::make(Size, 16)); }

private:
    A made_;
};
template <std::size_t Size>
using our_pool = ours_of_one_size<ashlar::pool<Size, 16, warm>, Size>;
template <std::size_t Size>
using our_slab = ours_of_one_size<ashlar::slab<Size, 16, warm>, Size>;

template <std::size_t Size>
class our_locked_pool {
    using pool = ashlar::pool<Size, 16, warm>;

public:
    explicit our_locked_pool(warm& w) : below_(ashlar::ref<warm>(w)), made_(ashlar::ref<pool>(below_)) {}
    void* allocate() {
        const auto granted = made_.allocate(layout_of(Size));
        return granted ? granted->data : nullptr;
    }
    void deallocate(void* p) { made_.deallocate(static_cast<std::byte*>(p), layout_of(Size)); }

private:
    pool below_;
    ashlar::locked<pool, std::mutex> made_;
};

template <std::size_t Size>
class our_objects {
public:
    explicit our_objects(warm& w) : made_(ashlar::ref<warm>(w)) {}
    void* allocate() { return made_.take().value_or(nullptr); }
    void deallocate(void* p) { made_.put(static_cast<object<Size>*>(p)); }

private:
    ashlar::object_pool<object<Size>, warm> made_;
};

// ---- the orders -----------------------------------------------------------------------------------------

struct orders {
    std::vector<std::uint32_t> forwards = std::vector<std::uint32_t>(batch), reversed, butterfly;
    orders() {
        for (std::uint32_t i = 0; i < batch; ++i) forwards[i] = i;
        reversed.assign(forwards.rbegin(), forwards.rend());
        butterfly = forwards;
        dice choose(17);
        for (std::size_t i = batch; i-- > 1;) std::swap(butterfly[i], butterfly[choose.below(i + 1)]);
    }
};

// The client writes a byte of every block.
template <class Heap>
void* use(Heap& heap) {
    void* p = heap.allocate();
    *static_cast<volatile unsigned char*>(p) = 1;
    return p;
}

// The same caches for all, whatever ran before: else who follows a heap on other memory pays for fetching this one.
void even_out(warm& memory) {
    constexpr std::size_t reach = 12u << 20;
    memory.start_again();
    std::memset(memory.allocate(layout_of(reach))->data, 0, reach);
    memory.start_again();
}

template <class Heap>
[[gnu::noinline]] double one_by_one(warm& memory, const std::vector<std::uint32_t>&, std::size_t blocks) {
    even_out(memory);
    Heap heap(memory);
    const double begin = processor_nanoseconds();
    for (std::size_t i = 0; i < blocks * times; ++i) heap.deallocate(use(heap));
    return (processor_nanoseconds() - begin) / static_cast<double>(2 * blocks * times);
}

template <class Heap>
[[gnu::noinline]] double in_batches(warm& memory, const std::vector<std::uint32_t>& order, std::size_t blocks) {
    static void* held[batch];
    even_out(memory);
    Heap heap(memory);
    const double begin = processor_nanoseconds();
    for (std::size_t round = 0; round < times; ++round) {
        for (std::size_t i = 0; i < blocks; ++i) held[i] = use(heap);
        for (const std::uint32_t i : order) heap.deallocate(held[i]);
    }
    return (processor_nanoseconds() - begin) / static_cast<double>(2 * blocks * times);
}

struct candidate {
    const char* name;
    double (*one_by_one)(warm&, const std::vector<std::uint32_t>&, std::size_t);
    double (*in_batches)(warm&, const std::vector<std::uint32_t>&, std::size_t);
    std::size_t blocks = batch;
};
template <class Heap>
candidate of(const char* name, std::size_t blocks = batch) {
    return {name, &one_by_one<Heap>, &in_batches<Heap>, blocks};
}

template <std::size_t Size>
std::vector<candidate> candidates() {
    return {
        {"client alone", &one_by_one<client_alone<Size, 1>>, &in_batches<client_alone<Size, batch>>},
        of<our_pool<Size>>("pool"),
        of<our_slab<Size>>("slab"),
        of<our_objects<Size>>("object_pool"),
        of<our_locked_pool<Size>>("locked pool"),
#if ASHLAR_PEER_BOOST
        of<boost_pool<Size>>("Boost.Pool"),
        of<boost_object_pool<object<Size>>>("Boost object_pool", few),
#endif
#if ASHLAR_PEER_FOONATHAN
        of<foonathan_pool<Size>>("foonathan"),
#endif
        of<pool_resource<std::pmr::unsynchronized_pool_resource, Size>>("pmr pool"),
        of<pool_resource<std::pmr::synchronized_pool_resource, Size>>("pmr synchronized"),
#if ASHLAR_PEER_BOOST_CONTAINER
        of<boost_pool_resource<Size>>("Boost.Container pool"),
#endif
#if ASHLAR_PEER_TBB
        of<tbb_fixed_pool<Size>>("TBB fixed_pool"),
        of<tbb_scalable<Size>>("TBB scalable"),
#endif
#if ASHLAR_PEER_MIMALLOC
        of<mimalloc_heap<Size>>("mimalloc heap"),
#endif
    };
}

template <std::size_t Size>
void compete(warm& memory, int rounds, const orders& all) {
    const struct {
        const char* name;
        const std::vector<std::uint32_t>* order;
    } wanted[] = {{"single", nullptr}, {"bulk", &all.forwards}, {"reversed", &all.reversed}, {"butterfly", &all.butterfly}};
    const auto heaps = candidates<Size>();
    for (const auto& w : wanted) {
        std::vector<std::vector<double>> found(heaps.size());
        for (int round = 0; round < rounds; ++round) {
            for (std::size_t i = 0; i < heaps.size(); ++i) {
                const candidate& c = heaps[i];
                std::vector<std::uint32_t> order;
                if (w.order != nullptr) {
                    for (const std::uint32_t place : *w.order) if (place < c.blocks) order.push_back(place);
                }
                found[i].push_back((w.order == nullptr ? c.one_by_one : c.in_batches)(memory, order, c.blocks));
            }
        }
        for (std::size_t i = 0; i < heaps.size(); ++i) {
            std::printf("{\"order\": \"%s\", \"size\": %zu, \"heap\": \"%s\", ", w.name, Size, heaps[i].name);
            print_rounds("ns", found[i]);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
    expect(rounds > 0, "usage: pools [rounds > 0]");
    warm memory(64u << 20);
    const orders all;
    compete<16>(memory, rounds, all);
    compete<64>(memory, rounds, all);
    compete<256>(memory, rounds, all);
    compete<1024>(memory, rounds, all);
}
