// tests/fuzz/collected_heap_fuzz.cpp - any bytes are a program on a collected heap; after every collection it is as its model says.
//
// The program and the model are those of the unit test (tests/gc/random_program.hpp): edges, arrays, ephemerons, weak references,
// roots and pins come and go; collections whole, young and in steps, sliding and evacuation, and the graph of what is reachable.
#include "bytes.hpp"
#include "gc/random_program.hpp"

using namespace ashlar;

void fuzz::interpret(bytes b) {
    gc::options o;
    const std::size_t way = b.below(8);
    o.headroom = 10'000 + 20'000 * b.below(8);
    o.generational = way == 1 || way == 2;
    o.in_steps = way == 3;
    o.zeal = {.collect = way == 2 || way == 4, .poison = way != 5};
    random_program::program<bytes>(b, o).run_out(600);
}
