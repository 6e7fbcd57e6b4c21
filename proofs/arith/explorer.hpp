// What explores the branches of a function that runs on symbols: symbolic.hpp.
//
// Where both ways of a branch can be reached, the theorem is run again for the other one. So every path through the real
// function is taken, each under the condition that leads there. A solver that does not know is an answer too: the theorem is
// UNKNOWN, and that is a failure. With `--cvc5` what is shown on each path is asked of cvc5 too: a second solver has to agree.
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
        z3::solver once(context, logic_);
        for (const z3::expr& known : solver_->assertions()) once.add(known);
        if (wrong != nullptr) once.add(*wrong);
        if (once.check() == z3::sat) {
            const z3::model model = once.get_model();
            for (const auto& [name, value] : inputs_) {
                std::printf("    %s = 0x%llx\n", name, static_cast<unsigned long long>(model.eval(value, true).get_numeral_uint64()));
            }
        }
        leave(refuted);
    }
    z3::check_result ask(const z3::expr& assumption) {
        // A solver of its own: asked once, z3 takes its way for bit-vectors; asked again and again, another one.
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

}  // namespace proof
