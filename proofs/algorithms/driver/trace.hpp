// What the drivers share: numbers that follow from a seed, lines of numbers for the oracle, and misuse that is survived.
#pragma once

#include <charconv>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "ashlar/foundation/contract.hpp"

namespace proofs {

/// Steele, Lea and Flood's SplitMix64.
class numbers {
public:
    explicit numbers(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t next() noexcept {
        std::uint64_t x = state_ += 0x9e3779b97f4a7c15;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
        x = (x ^ x >> 27) * 0x94d049bb133111eb;
        return x ^ x >> 31;
    }
    /// Below n. @pre n != 0
    std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>(next() % n); }
    bool once_in(std::size_t n) noexcept { return below(n) == 0; }

private:
    std::uint64_t state_;
};

/// A letter and numbers, on standard output. It begins a line at its construction and ends it at its destruction.
class line {
public:
    explicit line(char what) noexcept { putchar_unlocked(what); }
    line(const line&) = delete;
    line& operator=(const line&) = delete;
    ~line() { putchar_unlocked('\n'); }
    template <class Number>
    line& operator<<(Number n) noexcept {
        char text[24] = {' '};
        const auto end = std::to_chars(text + 1, text + sizeof text, static_cast<std::int64_t>(n)).ptr;
        std::fwrite(text, 1, static_cast<std::size_t>(end - text), stdout);
        return *this;
    }
};

inline std::jmp_buf broken_contract;
/// @returns whether the act broke no contract. What it broke is checked before anything is changed, so one may go on.
template <class Act>
bool kept_contract(Act act) {
    ashlar::set_contract_handler([](const ashlar::contract_violation&) { std::longjmp(broken_contract, 1); });
    if (setjmp(broken_contract) != 0) return false;
    act();
    return true;
}

/// The arguments: how many traces, and the seed.
struct wanted {
    std::size_t traces, seed;
    wanted(int argc, char** argv) : traces(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000),
                                    seed(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1) {}
};

}  // namespace proofs
