// Explores the protocols of Ashlar that stand on the atomics seam, as they are and with each memory order weakened by a step.
//
//   orders explore PROTOCOL         every scenario of it, exhaustive within its bounds
//   orders weaken PROTOCOL ROOT     each order one step weaker: a scenario must fail, or the source says why it is kept
//   orders replay SCENARIO NAME     one execution, with its schedule
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "handles.hpp"
#include "malloc.hpp"
#include "policy.hpp"
#include "pools.hpp"

using namespace ashlar::testing;
using namespace orders;
using ashlar::memory_order;
using E = explored;

namespace {

struct scenario {
    const char* protocol;
    const char* file;  // below include/ashlar/
    const char* name;
    exploration (*explore)(const explore_options&);
    bool every_order = false;
    unsigned preemptions = explore_options::unbounded;
    bool long_one = false;  ///< too long to be run again for each weakened order

    exploration run(explore_options o) const {
        o.every_order = every_order;
        o.preemptions = preemptions;
        return explore(o);
    }
};
template <class S>
constexpr auto of = [](const explore_options& o) { return explore<S>(o); };

constexpr auto list = "malloc/remote_list.hpp", lock = "malloc/tiny_lock.hpp", gate = "malloc/fork_gate.hpp";
constexpr auto bump = "strategy/static_bump.hpp", bits = "realtime/shared_bitmap_pool.hpp", indices = "realtime/shared_index_pool.hpp";
constexpr auto histogram = "realtime/latency_histogram.hpp", counts = "ownership/counts.hpp", idle = "async/idle_stack.hpp";
constexpr auto frames = "async/frame_cache.hpp";

const scenario all[] = {
    {"remote_list", list, "one_span_two_pushers", of<remote_frees<E, 2, 1, 1, 2>>},
    {"remote_list", list, "one_pusher_twice", of<remote_frees<E, 1, 1, 2, 2>>},
    {"remote_list", list, "two_spans_two_pushers", of<remote_frees<E, 2, 2, 1, 2>>},
    {"tiny_lock", lock, "two_threads", of<lock_users<E, 2>>},
    {"tiny_lock", lock, "three_threads", of<lock_users<E, 3>>},
    {"fork_gate", gate, "visitor", of<gate_and_visitor<E, 1>>, true},
    {"fork_gate", gate, "visitor_two_forks", of<gate_and_visitor<E, 2>>, true, 2},
    {"fork_gate", gate, "sleeper", of<gate_and_sleeper<E>>, true},
    {"fork_gate", gate, "guest", of<gate_and_guest<E, false>>},
    {"static_bump", bump, "two_threads", of<bump_users<E, 2, 2>>},
    {"static_bump", bump, "three_threads", of<bump_users<E, 3, 1>>},
    {"static_bump", bump, "resized", of<bump_resized<E>>},
    {"static_bump", bump, "reset", of<bump_reset<E>>},
    {"shared_bitmap_pool", bits, "two_threads", of<pool_users<E, 2, 2, bitmap_pool, 1>>},
    {"shared_bitmap_pool", bits, "three_threads", of<pool_users<E, 3, 1, bitmap_pool, 2>>},
    {"shared_index_pool", indices, "two_threads", of<pool_users<E, 2, 1, index_pool, 2>>},
    {"shared_index_pool", indices, "two_held", of<pool_two_held<E, index_pool>>},
    {"shared_index_pool", indices, "three_threads", of<pool_users<E, 3, 1, index_pool, 1>>, false, explore_options::unbounded, true},
    {"shared_index_pool", indices, "spilling", of<pool_users<E, 3, 1, spilling_pool, 2>>},
    {"latency_histogram", histogram, "three_threads", of<histogram_users<E>>},
    {"counts", counts, "two_handles", of<counts_strong<E, 2>>},
    {"counts", counts, "three_handles", of<counts_strong<E, 3>>},
    {"counts", counts, "unique", of<counts_unique<E>>},
    {"counts", counts, "all_weak", of<counts_all_weak<E>>},
    {"counts", counts, "weak", of<counts_weak<E>>},
    {"counts", counts, "changed", of<counts_changed<E>>},
    {"counts", counts, "waiting", of<counts_waiting<E>>},
    {"idle_stack", idle, "two_threads", of<idle_users<E, 2, 2>>},
    {"idle_stack", idle, "three_threads", of<idle_users<E, 3, 1>>},
    {"idle_stack", idle, "two_held", of<idle_two_held<E>>},
    {"idle_stack", idle, "gate_between", of<idle_gate_between<E>>},
    {"idle_stack", idle, "gate", of<idle_gate<E, false>>},
    {"idle_stack", idle, "gate_twice", of<idle_gate<E, true>>},
    {"frame_cache", frames, "one_other", of<frames_returned<E, 1, false>>},
    {"frame_cache", frames, "two_others", of<frames_returned<E, 2, false>>},
    {"frame_cache", frames, "closing", of<frames_returned<E, 1, true>>},
};

std::vector<const scenario*> of_protocol(const std::string& name) {
    std::vector<const scenario*> found;
    for (const scenario& s : all) {
        if (name == s.protocol) found.push_back(&s);
    }
    return found;
}
std::vector<const scenario*> short_ones(const std::string& protocol) {
    std::vector<const scenario*> found = of_protocol(protocol);
    std::erase_if(found, [](const scenario* s) { return s->long_one; });
    return found;
}

/// A protocol that follows a wrong index may leave the scenario's memory: that is found as well, and not that the explorer broke.
void left_its_memory(int) {
    constexpr char said[] = "a scenario went to an address that is not its own\n";
    static_cast<void>(!write(STDOUT_FILENO, said, sizeof said - 1));
    _exit(1);
}

int explore_all(const std::string& protocol) {
    std::signal(SIGSEGV, left_its_memory);
    std::signal(SIGBUS, left_its_memory);
    std::uint64_t executions = 0;
    for (const scenario* s : of_protocol(protocol)) {
        const auto start = std::chrono::steady_clock::now();
        const exploration seen = s->run({});
        executions += seen.executions + seen.cut;
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        std::printf("%s.%s: %llu executions, %llu cut, %.2f s\n", s->protocol, s->name, static_cast<unsigned long long>(seen.executions),
                    static_cast<unsigned long long>(seen.cut), took.count());
        if (!seen.ok()) {
            std::printf("%s", seen.text().c_str());
            return seen.failure.empty() ? 3 : 1;
        }
    }
    std::printf("result: %llu executions\n", static_cast<unsigned long long>(executions));
    return executions == 0 ? 2 : 0;
}

/// What one step weaker means.
std::vector<memory_order> weaker(const explored_site& s, bool of_failure) {
    const std::string operation = s.operation;
    switch (of_failure ? s.failure : s.order) {
        case memory_order::relaxed: return {};
        case memory_order::acquire:
        case memory_order::release: return {memory_order::relaxed};
        case memory_order::acq_rel: return {memory_order::acquire, memory_order::release};
        case memory_order::seq_cst: break;
    }
    if (operation == "load" || of_failure) return {memory_order::acquire};
    return {operation == "store" ? memory_order::release : memory_order::acq_rel};
}

class source {
public:
    source(const std::string& root, const std::string& file) {
        std::ifstream in(root + "/include/ashlar/" + file);
        for (std::string line; std::getline(in, line);) lines_.push_back(line);
        if (lines_.empty()) std::printf("cannot read %s/include/ashlar/%s\n", root.c_str(), file.c_str());
    }
    /// Whether the line, or the comment above its statement, says why its order is kept.
    bool is_justified(unsigned line) const {
        for (unsigned n = line; n != 0 && line - n < 6; --n) {
            if (at(n).find("order kept: ") != std::string::npos) return true;
            if (n != line && at(n).find("//") == std::string::npos && ends_statement(n)) return false;
        }
        return false;
    }
    unsigned lines() const { return static_cast<unsigned>(lines_.size()); }
    const std::string& at(unsigned n) const { return lines_[n - 1]; }
    /// The lines of the statement that n is in, from its first.
    unsigned first_of_statement(unsigned n) const {
        while (n > 1 && !ends_statement(n - 1)) --n;
        return n;
    }

private:
    bool ends_statement(unsigned n) const {
        std::string text = at(n).substr(0, at(n).find("//"));
        while (!text.empty() && text.back() == ' ') text.pop_back();
        return text.empty() || text.back() == ';' || text.back() == '{' || text.back() == '}' || text.back() == ':';
    }
    std::vector<std::string> lines_;
};

bool some_fails(const std::vector<const scenario*>& scenarios, const weakening& w, std::string& by) {
    for (const scenario* s : scenarios) {
        explore_options o;
        o.weaken = &w;
        o.shorten = false;
        const exploration seen = s->run(o);
        if (seen.failure.empty()) continue;
        by = std::string(s->name) + ", execution " + std::to_string(seen.found_after) + ": " + seen.failure.substr(0, seen.failure.find(','));
        return true;
    }
    return false;
}

int weaken_all(const std::string& protocol, const std::string& root) {
    const auto scenarios = short_ones(protocol);
    if (scenarios.empty()) return 2;
    const std::string file = scenarios[0]->file;
    const source text(root, file);
    std::vector<explored_site> sites;
    for (const scenario* s : scenarios) {
        for (const explored_site& site : s->run({}).sites) {
            bool is_new = std::string(site.file).ends_with(file);
            for (const explored_site& known : sites) is_new = is_new && !known.same_place(site);
            if (is_new) sites.push_back(site);
        }
    }
    unsigned refuted = 0, justified = 0, wrong = 0;
    for (const explored_site& site : sites) {
        for (const bool of_failure : {false, true}) {
            for (const memory_order to : weaker(site, of_failure)) {
                const weakening w{site, of_failure, to};
                std::string by;
                const bool fails = some_fails(scenarios, w, by), kept = text.is_justified(site.line);
                (fails ? refuted : kept ? justified : wrong) += 1;
                std::printf("%s:%u %s%s, %s for %s: %s\n", file.c_str(), site.line, site.operation, of_failure ? " (failing)" : "",
                            name_of(to), name_of(of_failure ? site.failure : site.order),
                            fails ? by.c_str() : kept ? "kept, the source says why" : "NOTHING FAILS, and the source does not say why");
            }
        }
    }
    // Orders in the text that no scenario passed.
    for (unsigned n = 1; n <= text.lines(); ++n) {
        bool strong = false;
        for (const char* o : {"memory_order_acquire", "memory_order_release", "memory_order_acq_rel", "memory_order_seq_cst"}) {
            strong = strong || text.at(n).substr(0, text.at(n).find("//")).find(o) != std::string::npos;
        }
        bool passed = !strong;
        for (const explored_site& s : sites) passed = passed || (s.line >= text.first_of_statement(n) && s.line <= n + 1);
        if (passed) continue;
        const bool kept = text.is_justified(n);
        (kept ? justified : wrong) += 1;
        std::printf("%s:%u: %s\n", file.c_str(), n, kept ? "kept, the source says why" : "NO SCENARIO PASSES HERE, and the source does not say why");
    }
    std::printf("result: %u weakened orders: %u refuted, %u kept with a reason\n", refuted + justified + wrong, refuted, justified);
    return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string verb = argc > 2 ? argv[1] : "";
    if (verb == "explore" && argc == 3) return explore_all(argv[2]);
    if (verb == "weaken" && argc == 4) return weaken_all(argv[2], argv[3]);
    for (const scenario& s : all) {
        if (verb != "replay" || argc != 4 || std::string(s.protocol) + "." + s.name != argv[2]) continue;
        explore_options o;
        o.replay = argv[3];
        const exploration seen = s.explore(o);
        std::printf("%s", seen.text().c_str());
        return seen.failure.empty() ? 0 : 1;
    }
    std::fprintf(stderr, "usage: orders explore PROTOCOL | weaken PROTOCOL ROOT | replay PROTOCOL.SCENARIO NAME\n");
    return 2;
}
