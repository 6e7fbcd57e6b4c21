// A symbolic 64-bit word that the functions of include/ashlar run on unchanged.
//
// `symbol` satisfies ashlar::word. Its comparisons give a `truth`, which turns into a bool by asking the solver which
// of the two branches can be reached from here (explorer.hpp).
//
// Two traps: z3's own <, <=, / and >> on bit-vectors are signed, ours are not; and a shift by 64 or more is 0 in z3 but
// not in C++, so every shift demands that its count is below 64.
#pragma once

#include <concepts>

#include "ashlar/foundation/word.hpp"
#include "explorer.hpp"

namespace proof {

/// What a comparison of symbols gives. Becomes a bool where the code asks, and nothing else.
class truth {
public:
    explicit truth(z3::expr e) : e_(std::move(e)) {}
    operator bool() const { return explorer::current().decide(e_); }
    template <class T>
        requires(!std::same_as<T, bool>)
    operator T() const = delete;
    const z3::expr& expression() const { return e_; }

private:
    z3::expr e_;
};

// Without a branch: for what a theorem states.
inline truth no(const truth& a) { return truth(!a.expression()); }
inline truth both(const truth& a, const truth& b) { return truth(a.expression() && b.expression()); }
inline truth either(const truth& a, const truth& b) { return truth(a.expression() || b.expression()); }
inline truth implies(const truth& a, const truth& b) { return truth(z3::implies(a.expression(), b.expression())); }
inline truth same(const truth& a, const truth& b) { return truth(a.expression() == b.expression()); }

class symbol {
public:
    symbol() : symbol(std::uint64_t{0}) {}
    explicit symbol(std::uint64_t value) : e_(explorer::current().context.bv_val(value, 64)) {}
    explicit symbol(z3::expr e) : e_(e.simplify()) {}
    const z3::expr& expression() const { return e_; }

    friend symbol operator+(const symbol& a, const symbol& b) { return symbol(a.e_ + b.e_); }
    friend symbol operator-(const symbol& a, const symbol& b) { return symbol(a.e_ - b.e_); }
    friend symbol operator*(const symbol& a, const symbol& b) { return symbol(a.e_ * b.e_); }
    friend symbol operator&(const symbol& a, const symbol& b) { return symbol(a.e_ & b.e_); }
    friend symbol operator|(const symbol& a, const symbol& b) { return symbol(a.e_ | b.e_); }
    // By constants, or they are as hard as multiplications. Never by 0, of which z3 makes something.
    friend symbol operator/(const symbol& a, const symbol& b) { return symbol(z3::udiv(a.e_, b.e_)); }
    friend symbol operator%(const symbol& a, const symbol& b) { return symbol(z3::urem(a.e_, b.e_)); }
    friend symbol operator~(const symbol& a) { return symbol(~a.e_); }
    friend truth operator==(const symbol& a, const symbol& b) { return truth(a.e_ == b.e_); }
    friend truth operator!=(const symbol& a, const symbol& b) { return truth(a.e_ != b.e_); }
    friend truth operator<(const symbol& a, const symbol& b) { return truth(z3::ult(a.e_, b.e_)); }
    friend truth operator<=(const symbol& a, const symbol& b) { return truth(z3::ule(a.e_, b.e_)); }
    friend truth operator>(const symbol& a, const symbol& b) { return truth(z3::ugt(a.e_, b.e_)); }
    friend truth operator>=(const symbol& a, const symbol& b) { return truth(z3::uge(a.e_, b.e_)); }

private:
    z3::expr e_;
};

inline void show(const truth& condition, const char* what) { explorer::current().show(condition.expression(), what); }
/// What the code decided for itself: false on a path that can be reached refutes.
inline void show(bool condition, const char* what) { explorer::current().show(explorer::current().context.bool_val(condition), what); }
inline void assume(const truth& condition) { explorer::current().assume(condition.expression()); }
inline symbol any(const char* name) { return symbol(explorer::current().input(name)); }
inline symbol any_below(const char* name, std::uint64_t end) {
    const symbol value = any(name);
    assume(value < symbol(end));
    return value;
}
inline symbol choose(const truth& condition, const symbol& a, const symbol& b) {
    return symbol(z3::ite(condition.expression(), a.expression(), b.expression()));
}
inline symbol min(const symbol& a, const symbol& b) { return choose(a < b, a, b); }

// The named functions of word.hpp, found by argument-dependent lookup.
inline symbol shl(const symbol& value, const symbol& n) {
    show(n < symbol(64), "a shift's count is below 64");
    return symbol(z3::shl(value.expression(), n.expression()));
}
inline symbol shr(const symbol& value, const symbol& n) {
    show(n < symbol(64), "a shift's count is below 64");
    return symbol(z3::lshr(value.expression(), n.expression()));
}
inline symbol bit_width(const symbol& value) {
    symbol width(0), rest = value;
    for (const std::uint64_t step : {32, 16, 8, 4, 2, 1}) {
        const truth high = rest >= symbol(std::uint64_t{1} << step);
        width = choose(high, width + symbol(step), width);
        rest = choose(high, symbol(z3::lshr(rest.expression(), symbol(step).expression())), rest);
    }
    return choose(value == symbol(0), symbol(0), width + symbol(1));
}
inline symbol countr_zero(const symbol& value) {
    const symbol lowest = value & (symbol(0) - value);
    return choose(value == symbol(0), symbol(64), bit_width(lowest) - symbol(1));
}
inline symbol highest_bit(const symbol& value) {
    show(value != symbol(0), "there is a highest bit");
    return bit_width(value) - symbol(1);
}
inline symbol lowest_bit(const symbol& value) {
    show(value != symbol(0), "there is a lowest bit");
    // Said by what it is, which is easier for a solver than how it is found: there is one such number, and only one.
    const z3::expr place = explorer::current().fresh(), one = symbol(1).expression();
    const z3::expr bit = z3::shl(one, place);
    explorer::current().assume(z3::ult(place, symbol(64).expression()) && (value.expression() & (bit | (bit - one))) == bit);
    return symbol(place);
}
inline symbol bit_ceil(const symbol& value) {
    show(both(value != symbol(0), value <= symbol(std::uint64_t{1} << 63)), "a power of two holds it");
    return symbol(z3::shl(symbol(1).expression(), bit_width(value - symbol(1)).expression()));
}
inline symbol low16(const symbol& value) { return value & symbol(0xffff); }
inline symbol next16(const symbol& value) { return symbol(z3::lshr(value.expression(), 16)) & symbol(0xffff); }
/// a * b as it is, in 128 bits: above what operator* gives, 64 bits of which nothing is assumed. What is shown then
/// holds of the true ones too.
inline z3::expr product(const symbol& a, const symbol& b) {
    z3::context& context = explorer::current().context;
    const z3::sort word = context.bv_sort(64);
    return z3::concat(context.function("high", word, word, word)(a.expression(), b.expression()), (a * b).expression());
}
inline bool mul_wraps(const symbol& a, const symbol& b) {
    return truth(product(a, b).extract(127, 64) != explorer::current().context.bv_val(0, 64));
}

static_assert(ashlar::word<symbol>);
static_assert(!std::is_convertible_v<symbol, std::uint64_t> && !std::is_convertible_v<truth, int>);

/// Any value below `end`, each on a path of its own: where shifts by an unknown would take the solver too long.
inline symbol each_below(const char* name, std::uint64_t end) {
    const symbol value = any_below(name, end);
    for (std::uint64_t i = 0; i + 1 < end; ++i) {
        if (value == symbol(i)) return symbol(i);
    }
    return symbol(end - 1);
}
/// 2^k for any k below `end`: every power of two, when end is 64.
inline symbol any_power(const char* name, std::uint64_t end = 64) {
    return shl(symbol(1), any_below(name, end));
}

struct theorem {
    const char* name;
    void (*body)();
    by answered = by::bits;
};
/// @returns never: proves the theorem that the command line names
template <std::size_t N>
int prove(const theorem (&theorems)[N], int count, char** words) {
    for (const theorem& each : theorems) {
        if (count < 2 || std::string_view(words[1]) != each.name) continue;
        explorer::current().second = count == 3 && std::string_view(words[2]) == "--cvc5";
        try {
            explorer::current().explore(each.body, each.answered);
        } catch (const z3::exception& e) {
            std::printf("the solver failed: %s\n", e.msg());
            return 2;
        }
        explorer::current().leave(proved);
    }
    std::fprintf(stderr, "say which theorem:");
    for (const theorem& each : theorems) std::fprintf(stderr, " %s", each.name);
    std::fputc('\n', stderr);
    return 2;
}

}  // namespace proof
