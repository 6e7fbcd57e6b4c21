// Theorems about the arithmetic of strategy: tlsf.hpp, half_fit.hpp, free_block.hpp, bump_cursor.hpp.
#include "symbolic.hpp"

#include "ashlar/strategy/bump_cursor.hpp"
#include "ashlar/strategy/half_fit.hpp"
#include "ashlar/strategy/tlsf.hpp"

using namespace proof;

namespace {

const symbol zero(0), one(1), grain(ashlar::free_block::grain), most_size(ashlar::free_block::most_size);

symbol any_size(const char* name) {
    const symbol size = any(name);
    assume(both(both(size != zero, size <= most_size), (size & symbol(15)) == zero));
    return size;
}
/// What a request may be of which a block could still be long enough.
void any_request(symbol& need, symbol& align) {
    need = any_size("need");
    align = any_power("log2 of align", 45);
}
symbol longest(const symbol& need, const symbol& align) { return choose(align <= grain, need, need + align - grain); }

void tlsf_class() {
    const symbol a = any_size("a"), b = any_size("b");
    const symbol in_a = ashlar::tlsf::class_of<symbol>(a), in_b = ashlar::tlsf::class_of<symbol>(b);
    show(in_a < symbol(36 * 32), "the class exists");
    show(implies(a <= b, in_a <= in_b), "a longer block is in no lower class");
}

void tlsf_search() {
    symbol need, align;
    any_request(need, align);
    const symbol sought = ashlar::tlsf::searched_for<symbol>(need, align), least = longest(need, align);
    show(sought >= least, "a block of that size holds an aligned run");
    show((sought - least) * symbol(32) < least, "less than a 32nd more than needed");
    if (sought > most_size) return;  // and no block is so long
    // C4 of the policy: the classes that are searched are those of the blocks that are long enough, and of no others.
    const symbol block = any_size("block");
    show(same(ashlar::tlsf::class_of<symbol>(sought) <= ashlar::tlsf::class_of<symbol>(block), sought <= block),
         "a block is in a class that is searched if and only if it is as long as searched_for");
}

void half_fit_search() {
    symbol need, align;
    any_request(need, align);
    const symbol sought = ashlar::half_fit::searched_for<symbol>(need, align), least = longest(need, align);
    show(sought >= least, "a block of that size holds an aligned run");
    show(sought - least < least, "less than twice what is needed");
    show((sought & (sought - one)) == zero, "half_fit.I2: a power of two");
    const symbol block = any_size("block"), in = ashlar::half_fit::class_of<symbol>(block);
    show(in < symbol(64), "the list exists");
    if (sought > most_size) return;
    show(same(ashlar::half_fit::class_of<symbol>(sought) <= in, sought <= block),
         "a block is in a list that is searched if and only if it is as long as searched_for");
}

void fit_gap() {
    const symbol begin = any("begin"), align = any_power("log2 of align", 60), least = any("least");
    assume((begin & symbol(15)) == zero);
    assume(either(either(least == grain, least == symbol(32)), least == symbol(48)));
    const symbol gap = ashlar::fit_request::gap_at<symbol>(begin, align, least), mask = align - one;
    show(((begin + gap) & mask) == zero, "behind it is a multiple of the alignment");
    show(either(gap == zero, gap >= least), "what is left in front can stand as a block, or is nothing");
    show((gap & symbol(15)) == zero, "and is a multiple of 16");
    const symbol other = any("other gap");
    assume(both(other < gap, ((begin + other) & mask) == zero));
    show(both(other != zero, other < least), "no smaller one would do");
}

void bump_lead() {
    const symbol at = any("cursor"), align = any_power("log2 of align", 60), word(8);
    assume(both((at & symbol(15)) == zero, at < symbol(std::uint64_t{1} << 60)));
    const symbol lead = ashlar::bump_cursor<16>::lead<symbol>(at, align);
    show(((at + lead) & (align - one)) == zero, "the block is aligned");
    show(implies(align <= grain, lead == zero), "what the cursor has anyway costs nothing");
    show(implies(align > grain, both(lead >= word, lead < align + word)), "else there is room for a word, and no more than needed");
}

}  // namespace

int main(int count, char** words) {
    const theorem theorems[] = {
        {"tlsf_class", tlsf_class}, {"tlsf_search", tlsf_search}, {"half_fit_search", half_fit_search},
        {"fit_gap", fit_gap}, {"bump_lead", bump_lead},
    };
    return prove(theorems, count, words);
}
