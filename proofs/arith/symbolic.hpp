// A symbolic 64-bit word that the functions of include/ashlar run on unchanged, and what explores their branches.
//
// `symbol` satisfies ashlar::word. Its comparisons give a `truth`, which turns into a bool by asking the solver which
// of the two branches can be reached from here: where both can, the theorem is run again for the other one. So every
// path through the real function is taken, each under the condition that leads there. A solver that does not know is
// an answer too: the theorem is UNKNOWN, and that is a failure.
//
// With `--cvc5` what is shown on each path is asked of cvc5 too, in a file of its own: a second solver has to agree.
//
// Two traps: z3's own <, <=, / and >> on bit-vectors are signed, ours are not; and a shift by 64 or more is 0 in z3 but
// not in C++, so every shift demands that its count is below 64.
#pragma once

#include <unistd.h>
#include <z3++.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/word.hpp"

namespace proof {

/// What a theorem speaks of: bit-vectors, or also functions of which nothing is assumed.
enum class by { bits, functions };
enum verdict : int { proved = 0, refuted = 1, unknown = 3 };

/// The theorem that is being explored. One at a time.
class explorer {
public:
    static explorer& current() {
        static explorer the;
        return the;
    }
    z3::context context;
    bool second = false;  ///< ask cvc5 too

    /// Ends the program: the present path, with the values that lead to it, is a counterexample.
    [[noreturn]] void refute(const char* what, const z3::expr* wrong = nullptr) {
        std::printf("refuted: %s\n", what);
        if (wrong != nullptr) solver_->add(*wrong);
        if (solver_->check() == z3::sat) {
            const z3::model model = solver_->get_model();
            for (const auto& [name, value] : inputs_) {
                std::printf("    %s = 0x%llx\n", name, static_cast<unsigned long long>(model.eval(value, true).get_numeral_uint64()));
            }
        }
        leave(refuted);
    }
    z3::check_result ask(const z3::expr& assumption) {
        // A solver of its own: asked once, z3 takes its way for bit-vectors, which is much the faster one.
        z3::solver once(context, logic_);
        for (const z3::expr& known : solver_->assertions()) once.add(known);
        once.add(assumption);
        ++queries_;
        const z3::check_result answer = once.check();
        if (answer == z3::unknown) {
            std::printf("unknown: %s\n", once.reason_unknown().c_str());
            leave(unknown);
        }
        return answer;
    }
    /// What cvc5 says of the same. @returns its first line
    std::string ask_cvc5(const z3::expr& assumption) {
        ++asked_cvc5_;
        const std::string file = "question-" + std::to_string(getpid()) + ".smt2", answer = file + ".answer";
        solver_->push();
        solver_->add(assumption);
        std::ofstream(file) << "(set-logic QF_UFBV)\n" << solver_->to_smt2();
        solver_->pop();
        const int status = std::system(("cvc5 --tlimit=60000 " + file + " > " + answer + " 2>&1").c_str());
        std::string word;
        std::getline(std::ifstream(answer) >> std::ws, word);
        std::remove(file.c_str());
        std::remove(answer.c_str());
        return status == 0 ? word : "cvc5 failed: " + word;
    }

    z3::expr fresh() { return context.bv_const(("fresh " + std::to_string(fresh_++)).c_str(), 64); }
    z3::expr input(const char* name) {
        const z3::expr value = context.bv_const(name, 64);
        inputs_.emplace_back(name, value);
        return value;
    }
    /// Only inputs for which it holds are looked at. Some must be left, or the theorem would say nothing.
    void assume(const z3::expr& condition) {
        if (ask(condition) == z3::unsat) {
            if (choices_.size() > depth_) std::abort();  // an earlier run came past here
            if (depth_ == 0) {
                std::puts("refuted: no input satisfies what is assumed");
                leave(refuted);
            }
            throw infeasible{};
        }
        solver_->add(condition);
    }
    void show(const z3::expr& condition, const char* what) {
        ++shown_;
        const z3::expr wrong = !condition;
        if (ask(wrong) == z3::sat) refute(what, &wrong);
        if (second && !wrong.simplify().is_false()) {
            if (const std::string said = ask_cvc5(wrong); said != "unsat") {
                std::printf("%s: Z3 says unsat, cvc5 says %s\n", what, said.c_str());
                leave(said == "sat" ? refuted : unknown);
            }
        }
        solver_->add(condition);
    }
    bool decide(const z3::expr& condition) {
        const z3::expr simple = condition.simplify();
        if (simple.is_true()) return true;
        if (simple.is_false()) return false;
        if (depth_ == choices_.size()) {
            const bool yes = ask(simple) == z3::sat, no = ask(!simple) == z3::sat;
            choices_.push_back({yes, yes && no});
        }
        const bool taken = choices_[depth_++].taken;
        solver_->add(taken ? simple : !simple);
        return taken;
    }

    /// Runs the body once for every path through what it calls.
    template <class Body>
    void explore(Body body, by which) {
        logic_ = which == by::functions ? "QF_UFBV" : "QF_BV";
        solver_.emplace(context, logic_);
        for (bool more = true; more;) {
            solver_->push();
            inputs_.clear();
            depth_ = 0;
            ++paths_;
            try {
                body();
            } catch (const infeasible&) {
            }
            solver_->pop();
            while (!choices_.empty() && !choices_.back().other) choices_.pop_back();
            more = !choices_.empty();
            if (more) choices_.back() = {!choices_.back().taken, false};
        }
    }
    [[noreturn]] void leave(verdict end) {
        if (end == proved && shown_ == 0) {
            std::puts("refuted: nothing was shown");
            end = refuted;
        }
        std::printf("result: %zu %s, %zu questions", paths_, paths_ == 1 ? "path" : "paths", queries_);
        if (asked_cvc5_ != 0) std::printf(", %zu by cvc5", asked_cvc5_);
        std::puts("");
        std::fflush(stdout);
        std::_Exit(end);
    }

private:
    struct infeasible {};
    struct choice {
        bool taken, other;  // other: the other branch is still to be taken
    };

    explorer() {
        ashlar::set_contract_handler([](const ashlar::contract_violation& broken) { current().refute(broken.condition); });
    }

    std::optional<z3::solver> solver_;  ///< holds what is known on this path
    const char* logic_ = "QF_BV";
    std::vector<std::pair<const char*, z3::expr>> inputs_;
    std::vector<choice> choices_;
    std::size_t depth_ = 0, paths_ = 0, queries_ = 0, asked_cvc5_ = 0, shown_ = 0, fresh_ = 0;
};

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
