// containers - what an allocator does for box, vector and string: single values, batch and individual, reserve and grow.
//
// Prints ratios of medians: how many times as long the same work takes on the program's malloc. Rounds are interleaved, each
// allocator once before any again, so that a slow moment hits all. The figures are for reading; what the example checks
// of itself is that the sums are right and that memory came from where it should.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "ashlar/compose/std_allocator.hpp"
#include "ashlar/ownership/box.hpp"
#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/segregated.hpp"
#include "ashlar/strategy/system.hpp"

namespace {

constexpr int values = 20'000, rounds = 9;
int failures = 0;

void expect(bool held, const char* what) {
    if (held) return;
    std::printf("WRONG: %s\n", what);
    ++failures;
}

double processor_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// The works: each returns a number that is known beforehand.

template <class A>
long individual(A& a) {  // every value in a box of its own
    std::vector<ashlar::box<long, A>> boxes;
    boxes.reserve(values);
    for (long i = 0; i < values; ++i) boxes.push_back(ashlar::make_box<long>(a, i).value());
    long sum = 0;
    for (const auto& b : boxes) sum += *b;
    return sum;
}
template <class A>
long batch(A& a) {  // all values in one box
    const auto all = ashlar::make_box<long[]>(a, values).value();
    std::iota(all.begin(), all.end(), 0L);
    return std::accumulate(all.begin(), all.end(), 0L);
}
template <class A>
long grow(A& a) {
    std::vector<long, ashlar::std_allocator<long, A>> v(a);
    for (long i = 0; i < values; ++i) v.push_back(i);
    return std::accumulate(v.begin(), v.end(), 0L);
}
template <class A>
long reserve(A& a) {
    std::vector<long, ashlar::std_allocator<long, A>> v(a);
    v.reserve(values);
    for (long i = 0; i < values; ++i) v.push_back(i);
    return std::accumulate(v.begin(), v.end(), 0L);
}
template <class A>
long strings(A& a) {  // each too long to be kept inside the object
    using text = std::basic_string<char, std::char_traits<char>, ashlar::std_allocator<char, A>>;
    std::vector<text, ashlar::std_allocator<text, A>> v(a);
    v.reserve(values / 4);
    for (int i = 0; i < values / 4; ++i) v.emplace_back(40u + static_cast<unsigned>(i) % 4, 'x', a);
    return std::accumulate(v.begin(), v.end(), 0L, [](long n, const text& t) { return n + static_cast<long>(t.size()); });
}

struct figures {
    std::vector<double> seconds;
    double median() {
        std::nth_element(seconds.begin(), seconds.begin() + rounds / 2, seconds.end());
        return seconds[rounds / 2];
    }
};

// What an arena was made to do at the end counts too: all goes at once.
template <class A, class Work>
void once(A& a, figures& into, const Work& work, long right) {
    const double begin = processor_seconds();
    const long sum = work(a);
    if constexpr (ashlar::resettable<A>) a.reset();
    into.seconds.push_back(processor_seconds() - begin);
    expect(sum == right, "the sum is right");
}

template <class Work>
void compare(const char* name, const Work& work, long right) {
    // Over malloc, so that what is too long for them costs what it costs there; kept, so that their memory is warm like its.
    ashlar::system malloc;
    ashlar::arena<ashlar::system> arena(malloc);
    ashlar::segregated<ashlar::system> segregated(malloc);
    figures on_malloc, on_arena, on_segregated;
    for (int i = 0; i < rounds; ++i) {
        once(malloc, on_malloc, work, right);
        once(arena, on_arena, work, right);
        once(segregated, on_segregated, work, right);
    }
    const double malloc_time = on_malloc.median();
    std::printf("%-42s %8.2f %8.2f\n", name, malloc_time / on_arena.median(), malloc_time / on_segregated.median());
}

}  // namespace

int main() {
    constexpr long sum = static_cast<long>(values) * (values - 1) / 2;
    std::printf("malloc's time over that of                    arena segregated\n");
    compare("single values: a box each", [](auto& a) { return individual(a); }, sum);
    compare("batch: one box of all", [](auto& a) { return batch(a); }, sum);
    compare("vector, growing", [](auto& a) { return grow(a); }, sum);
    compare("vector, reserved", [](auto& a) { return reserve(a); }, sum);
    compare("strings of 40 to 43 characters", [](auto& a) { return strings(a); }, values / 4 * 40 + values / 4 / 4 * 6);

    ashlar::system heap;
    figures apart, together, grown, reserved;
    for (int i = 0; i < rounds; ++i) {
        const auto each = [](auto& a) { return individual(a); };
        once(heap, apart, each, sum);
        once(heap, together, [](auto& a) { return batch(a); }, sum);
        once(heap, grown, [](auto& a) { return grow(a); }, sum);
        once(heap, reserved, [](auto& a) { return reserve(a); }, sum);
    }
    std::printf("on malloc: individual over batch %.1f, grow over reserve %.1f\n", apart.median() / together.median(),
                grown.median() / reserved.median());

    // A value's place tells where it came from.
    ashlar::arena<> a;
    const auto b = ashlar::make_box<long>(a, 1L).value();
    expect(a.owns(reinterpret_cast<const std::byte*>(b.get())), "the box lies in the arena");
    expect(sizeof b == sizeof(long*), "and is one pointer");
    return failures == 0 ? 0 : 1;
}
