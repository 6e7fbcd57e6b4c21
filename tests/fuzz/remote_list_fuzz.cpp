// tests/fuzz/remote_list_fuzz.cpp - blocks that other threads free come home, in whatever order the threads take their steps.
//
// The first bytes say what each of up to five threads does: pushes of chains to spans, for an owner takings of its mail. The rest
// is the schedule: at each atomic step of the shipped templates a byte names the thread that goes on, or which of the stores that
// C++ allows is seen (ashlar/testing/explore.hpp, which also finds data races). proofs/orders tries every order of far fewer.
#include <array>
#include <vector>

#include "ashlar/malloc/remote_list.hpp"
#include "ashlar/testing/explore.hpp"
#include "bytes.hpp"

using namespace ashlar;

namespace {

using policy = testing::explored_atomics;
using node = malloc::free_block<policy>;
constexpr std::uintptr_t key = 0x5eed'0000'1234'5670;
constexpr unsigned spans = 3, pushers = 4, most_blocks = 24;

/// What the threads do; a scenario is made anew from it.
struct plan {
    struct push {
        unsigned span, first, count;
    };
    std::array<std::vector<push>, pushers> pushes;
    unsigned takings = 0, blocks = 0;
};
plan now;

struct frees {
    static constexpr unsigned threads = pushers + 1;
    struct span {
        malloc::remote_list<policy> remote;
        policy::plain<span*> next_in_mail{nullptr};
    };
    malloc::mailbox<span, policy> mail;
    span all[spans];
    node nodes[most_blocks]{};
    std::uint8_t home[most_blocks]{};   ///< the span + 1 where it was found
    std::uint8_t from[most_blocks]{};   ///< the span + 1 to which it was pushed

    void collect() {
        bool seen[spans]{};
        for (span* s = mail.take_all(); s != nullptr;) {
            span* const next = s->next_in_mail;
            const auto number = static_cast<std::size_t>(s - all);
            testing::expect(!seen[number], "a span is in the mail once");  // remote_list.I1
            seen[number] = true;
            auto [first, last, count] = s->remote.take();
            testing::expect(count != 0, "a span in the mail has blocks");  // remote_list.I2
            testing::expect(last->next(key) == nullptr, "the last block is the last");
            for (; first != nullptr; first = first->next(key), --count) {
                testing::expect(count != 0, "the chain is no longer than its number");
                std::uint8_t& h = home[first - nodes];
                testing::expect(h == 0, "a block comes home once");
                h = static_cast<std::uint8_t>(number + 1);
                testing::expect(first->marked(key), "what was written before is seen");
                if (first == last) testing::expect(count == 1, "the last block ends the chain");
            }
            testing::expect(count == 0, "the number of blocks is right");
            s = next;
        }
    }
    void run(unsigned thread) {
        if (thread == 0) {
            for (unsigned i = 0; i < now.takings; ++i) collect();
            return;
        }
        for (const plan::push& p : now.pushes[thread - 1]) {
            for (unsigned k = p.first; k < p.first + p.count; ++k) {
                nodes[k].set_mark(key);
                nodes[k].set_next(k + 1 < p.first + p.count ? &nodes[k + 1] : nullptr, key);
                from[k] = static_cast<std::uint8_t>(p.span + 1);
            }
            if (all[p.span].remote.push(&nodes[p.first], &nodes[p.first + p.count - 1], p.count, key)) mail.announce(&all[p.span]);
        }
    }
    void finish() {
        collect();
        for (unsigned k = 0; k < now.blocks; ++k) testing::expect(home[k] == from[k] && home[k] != 0, "every block comes home to its span");
        for (const span& s : all) testing::expect(s.remote.empty() && s.remote.count() == 0, "all was taken");
        testing::expect(mail.empty(), "the mail is empty");
    }
};

}  // namespace

void fuzz::interpret(bytes b) {
    now = {};
    now.takings = static_cast<unsigned>(b.below(5));
    const std::size_t pushes = b.below(10);
    for (std::size_t i = 0; i < pushes; ++i) {
        const std::size_t thread = b.below(pushers);
        const auto span = static_cast<unsigned>(b.below(spans)), count = 1 + static_cast<unsigned>(b.below(3));
        if (now.blocks + count > most_blocks) break;
        now.pushes[thread].push_back({span, now.blocks, count});
        now.blocks += count;
    }
    testing::explore_options options;
    options.replay = "e";  // an execution is called by what is chosen at each fork
    while (!b.empty()) options.replay += "." + std::to_string(b.next() % 6);
    if (testing::explorer(testing::detail::scenario_of<frees>(), options).run().failure.empty()) return;
    FAIL(testing::explore<frees>(options).text());  // once more, in words
}
