#include "modules.hpp"

#include <atomic>
#include <cstring>

#include "../checksum.hpp"
#include "../unwind/code_module.hpp"

namespace ashlar::recorder {
namespace {

constexpr std::uint32_t most_modules = 2048;
constexpr unsigned most_waits = 10'000;

/// What tells one loading of a file from another at the same place.
struct told {
    std::uintptr_t begin, end, bias;
    std::uint32_t sum;  // of path and build id
};
constinit told all[most_modules]{};
constinit std::atomic<std::uint32_t> count{0};
constinit std::atomic<bool> describing{false};

told told_of(const unwind::code_module& m) noexcept {
    const auto id = m.build_id();
    return {m.begin, m.end, m.bias, crc32c(crc32c(0, m.path, std::strlen(m.path)), id.data(), id.size())};
}

/// The latest ones first: after a file has gone another may have its place. @returns the number or 0
std::uint32_t search(const told& t, std::uint32_t from) noexcept {
    for (std::uint32_t i = from; i-- > 0;) {
        if (all[i].begin == t.begin && all[i].end == t.end && all[i].bias == t.bias && all[i].sum == t.sum) return i + 1;
    }
    return 0;
}

std::uint32_t describe(const unwind::code_module& m, const told& t, trace_file& file, trace_stream& stream,
                       std::uint64_t ticks) noexcept {
    // Who describes may have been left in the middle, by a signal handler that jumped: then its file goes without a number.
    for (unsigned waited = 0; describing.exchange(true, std::memory_order_acquire); ++waited) {
        if (waited == most_waits) return 0;
        trace_system::yield();
    }
    const std::uint32_t n = count.load(std::memory_order_relaxed);
    std::uint32_t number = search(t, n);
    if (number == 0 && n < most_modules) {
        const auto id = m.build_id();
        const trace_module_view view{m.bias, m.begin - m.bias, m.end - m.begin, id.data(), id.size(), m.path, std::strlen(m.path)};
        if (stream.define_module(file, ticks, n + 1, view)) {
            all[n] = t;
            count.store(n + 1, std::memory_order_release);  // modules.I1; pairs with the acquire in place_of()
            number = n + 1;
        }
    }
    describing.store(false, std::memory_order_release);
    return number;
}

}  // namespace

code_place place_of(std::uintptr_t ip, trace_file& file, trace_stream& stream, std::uint64_t ticks) noexcept {
    unwind::code_module m;
    if (!unwind::find_module(ip - 1, m)) return {0, ip};
    const told t = told_of(m);
    std::uint32_t number = search(t, count.load(std::memory_order_acquire));
    if (number == 0) number = describe(m, t, file, stream, ticks);
    return number != 0 ? code_place{number, ip - m.bias} : code_place{0, ip};
}

void forget_modules() noexcept {
    count.store(0, std::memory_order_relaxed);
    describing.store(false, std::memory_order_relaxed);  // who held it is in the process this one was forked from
}

}  // namespace ashlar::recorder
