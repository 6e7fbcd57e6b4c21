// tests/support/serves.hpp - the stated conditions of law C4, said again without the code that they judge.
#pragma once

#include "ashlar/testing/claims.hpp"
#include "ashlar/testing/interval_set.hpp"

namespace ashlar::tests {

/// free_list: whole multiples of 16, at least `least`; what is left in front of an aligned run is nothing or at least
/// `least`.
inline auto serves_runs(std::size_t least) {
    return testing::serves([least](const auto&, block run, layout l) {
        const std::size_t whole = (l.size() + 15) / 16 * 16, need = whole > least ? whole : least;
        const std::size_t align = l.align() > 16 ? l.align() : 16;
        const testing::address first = testing::address_of(run.data);
        testing::address payload = (first + align - 1) / align * align;
        if (payload != first && payload - first < least) payload += align;
        return payload - first <= run.size && need <= run.size - (payload - first);
    });
}

/// tlsf: a run of whole multiples of 16, at an alignment above 16 so much longer that it holds an aligned one wherever it
/// begins; from 1 KiB on rounded up to a 32nd of the power of two below.
inline auto serves_classes() {
    return testing::serves([](const auto&, block run, layout l) {
        std::size_t need = (l.size() + 15) / 16 * 16, step = 16;
        if (l.align() > 16) need += l.align() - 16;
        while (need / 64 >= step) step *= 2;
        return need <= run.size && (need + step - 1) / step * step <= run.size;
    });
}

/// half_fit: a run as long as the power of two that holds the request, which at an alignment above 16 is that much longer.
inline auto serves_powers() {
    return testing::serves([](const auto&, block run, layout l) {
        if (l.size() > run.size || l.align() > run.size) return false;
        std::size_t need = 16, whole = 16;
        while (need < l.size()) need *= 2;
        if (l.align() > 16) need += l.align() - 16;
        while (whole < need) whole *= 2;
        return whole <= run.size;
    });
}

/// bump, stack: sizes are multiples of min_align; what is aligned to more has a word in front of it.
inline auto serves_bumped(std::size_t min_align = 16) {
    return testing::serves([min_align](const auto&, block run, layout l) {
        const std::size_t size = (l.size() + min_align - 1) / min_align * min_align;
        const testing::address first = testing::address_of(run.data), align = l.align();
        const testing::address begin = align <= min_align ? first : (first + 8 + align - 1) / align * align;
        return begin - first <= run.size && size <= run.size - (begin - first);
    });
}

}  // namespace ashlar::tests
