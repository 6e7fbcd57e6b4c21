// realloc_vector - arrays that grow by realloc: many small ones side by side, then one that becomes very large.
//
// Stresses: in-place growth, mremap against copying, and the memory of the copies left behind.
// Source:   microsoft/mimalloc issues 693 and 614, jemalloc issue 126 (realloc of huge vectors); workload of our own.

#include "support.hpp"

using namespace bench;

namespace {

// A vector of its own running number: what is stored at i is mix(i), so that every realloc can be checked.
struct growing {
    std::uint64_t* at = nullptr;
    std::size_t size = 0, capacity = 0;

    static std::uint64_t mix(std::size_t i) { return i * 0x9e3779b97f4a7c15u ^ 0x5bd1; }

    void reserve(std::size_t wanted) {
        at = static_cast<std::uint64_t*>(std::realloc(at, wanted * sizeof *at));
        expect(at != nullptr, "realloc returned null");
        capacity = wanted;
        if (size > capacity) size = capacity;
        for (std::size_t i = 0; i < size; i += size / 8 + 1) expect(at[i] == mix(i), "realloc lost contents");
        if (size) expect(at[size - 1] == mix(size - 1), "realloc lost the end");
    }
    void append(std::size_t n) {
        if (size + n > capacity) reserve((size + n) + (size + n) / 2);
        for (const std::size_t end = size + n; size < end; ++size) at[size] = mix(size);
    }
    void drop() {
        std::free(at);
        *this = {};
    }
};

void many_side_by_side(const options& o) {
    dice choose(7);
    std::vector<growing> all(256);
    for (std::size_t i = o.times(900'000); i > 0; --i) {
        growing& v = all[choose.falling(0, all.size() - 1)];
        v.append(choose.between(1, 32));
        if (v.size > 20'000) v.drop();
        else if (choose.below(64) == 0) v.reserve(v.size / 2 + 1);  // shrink to half now and then
    }
    for (growing& v : all) v.drop();
}

void one_very_large() {
    growing v;
    while (v.size < (64u << 20) / sizeof(std::uint64_t)) {
        v.reserve(v.size + (2u << 20) / sizeof(std::uint64_t));
        while (v.size < v.capacity) v.append(1);
    }
    v.drop();
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    sit_on_core(0);
    many_side_by_side(o);
    for (std::size_t i = o.times(1); i > 0; --i) one_very_large();
}
