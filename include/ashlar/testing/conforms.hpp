// ashlar/testing/conforms.hpp - every law that an allocator's abilities imply, tried on it.
//
// Layer:      testing
// Complexity: bounded by the effort asked for; the default is some 500 lives.
// Failure:    the conformity says which law was broken, how, and by which shortest list of operations.
// Threads:    one at a time.
// Checked by: tests/testing/conforms_test.cpp, tests/testing/mutants_test.cpp
//
// README.md beside this file shows it in use.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "ashlar/testing/rejection.hpp"
#include "ashlar/testing/run.hpp"

namespace ashlar::testing {

/// How much is tried.
struct effort {
    std::size_t scripts = 64;
    std::size_t acts = 48;
    std::size_t sweeps = 3;         ///< scripts of half the acts, run with every upstream request refused in turn
    std::size_t sweep_limit = 200;  ///< requests a sweep refuses at most
    std::size_t shrinking = 1000;   ///< runs spent to shorten each counter-example
    std::uint64_t seed = 1;
};

struct conformity {
    std::string name;
    std::array<verdict, law_count> verdicts{};
    std::array<std::string, law_count> excused;
    ledger log;

    bool ok() const { return log.clean(); }
    verdict of(law l) const { return verdicts[static_cast<std::size_t>(l)]; }

    /// Every broken law with its shortest script; empty if all were kept.
    std::string text() const {
        std::string all;
        for (const violation& v : log.violations()) {
            const law_text& t = text_of(v.broken);
            all.append(name).append(" breaks ").append(t.key).append(" ").append(t.name).append(": ").append(v.what);
            all.append("\n  the law: ").append(t.sentence).append("\n").append(v.script);
        }
        return all;
    }
};

namespace detail {

/// The laws that the abilities of A imply.
template <class A>
constexpr bool implied(law l) {
    switch (l) {
        case law::growth: return growable<A>;
        case law::shrinking: return shrinkable<A>;
        case law::zeroing: return zeroing<A>;
        case law::ownership: return owning<A>;
        case law::reset: return resettable<A>;
        case law::completeness: return forecasting<A> || walkable<A>;
        case law::reversibility: return forecasting<A> || walkable<A>;
        default: return true;
    }
}

template <class Factory>
class campaign {
public:
    using A = made_by<Factory>;

    campaign(const Factory& make, const claims<A>& stated, std::size_t shrinking, ledger& total)
        : make_(make), stated_(stated), shrinking_(shrinking), total_(total) {}

    outcome try_once(const script& acts, const circumstances& given) {
        outcome o = run(make_, stated_, acts, given);
        explain(o.log, acts, given);
        total_.add(o.log);
        return o;
    }

    /// C8: the same requests, the memory elsewhere, the same results. There is room enough, so that how the memory
    /// is broken up, which the place may change, refuses nothing.
    void independence(script acts) {
        for (act& a : acts) a.size = a.size >= 240 && a.size < 250 ? a.size - 16 : a.size;
        if (!stated_.excused[static_cast<std::size_t>(law::independence)].empty()) return;
        circumstances low, high;
        high.where = placement::highest;
        low.capacity = high.capacity = std::size_t{16} << 20;
        const auto differs = [&](const script& s) {
            const outcome one = run(make_, stated_, s, low), other = run(make_, stated_, s, high);
            return one.log.clean() && other.log.clean() && one.seen != other.seen;
        };
        const bool same = !differs(acts);
        if (total_.check(law::independence, same, "the same requests had other results at another place")) return;
        violation& v = total_.violations().back();
        if (v.broken == law::independence && v.script.empty()) v.script = told(shrink(acts, differs, shrinking_), low);
    }

    /// Refuses every upstream request of the script in turn, once and from then on.
    void sweep(const script& acts, std::size_t limit) {
        for (const failure how : {failure::once, failure::from_then_on}) {
            for (std::size_t n = 1; n <= limit; ++n) {
                circumstances given;
                given.refuse_at = n;
                given.how = how;
                if (!try_once(acts, given).refusal_reached) break;
            }
        }
    }

private:
    void explain(ledger& log, const script& acts, const circumstances& given) {
        for (violation& v : log.violations()) {
            if (total_.broke(v.broken)) continue;
            const law broken = v.broken;
            const auto breaks = [&](const script& s) { return run(make_, stated_, s, given).log.broke(broken); };
            const script least = shrink(acts, breaks, shrinking_);
            v.script = told(least, given);
            const outcome shown = run(make_, stated_, least, given);
            for (const violation& again : shown.log.violations()) {
                if (again.broken == broken) v.what = again.what;
            }
        }
    }
    std::string told(const script& acts, const circumstances& given) {
        std::vector<std::string> lines;
        run(make_, stated_, acts, given, &lines);
        std::string all;
        for (const std::string& line : lines) all += "    " + line + "\n";
        return all;
    }

    const Factory& make_;
    const claims<A>& stated_;
    const std::size_t shrinking_;
    ledger& total_;
};

}  // namespace detail

/// Tries every law that the abilities of the allocator imply. `make` is `A make(ground&)`: a fresh allocator on the
/// ground given; `said` are statements of claims.hpp: serves(...), excuse(...), last_in_first_out(), reports_misuse().
template <allocator_factory Factory, class... Statements>
conformity conforms(std::string_view name, const Factory& make, const effort& work, Statements... said) {
    using A = made_by<Factory>;
    claims<A> stated;
    (said(stated), ...);
    conformity result;
    result.name = name;
    result.excused = stated.excused;
    detail::campaign<Factory> c(make, stated, work.shrinking, result.log);
    for (std::size_t i = 0; i < work.scripts; ++i) {
        circumstances given;
        given.where = i % 4 < 2 ? placement::lowest : placement::highest;
        c.try_once(random_script(work.seed + i, work.acts), given);
    }
    for (std::size_t i = 0; i < work.scripts / 8; ++i) c.independence(random_script(work.seed + i, work.acts));
    for (std::size_t i = 0; i < work.sweeps; ++i) {
        c.sweep(random_script(work.seed + 1000 + i, work.acts / 2), work.sweep_limit);
    }
    check_rejection(make, stated.reports_misuse, result.log);
    for (std::size_t i = 0; i < law_count; ++i) {
        const law l = static_cast<law>(i);
        result.verdicts[i] = result.log.broke(l)                                         ? verdict::broken
                             : !stated.excused[i].empty()                               ? verdict::excused
                             : detail::implied<A>(l) && result.log.checks(l) != 0 ? verdict::held
                                                                                       : verdict::not_implied;
    }
    return result;
}

template <allocator_factory Factory, class... Statements>
    requires(... && !std::same_as<Statements, effort>)
conformity conforms(std::string_view name, const Factory& make, Statements... said) {
    return conforms(name, make, effort{}, std::move(said)...);
}

}  // namespace ashlar::testing
