// Theorems about the arithmetic of foundation: alignment.hpp, buddy_math.hpp, size_class.hpp.
#include "symbolic.hpp"

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/buddy_math.hpp"
#include "ashlar/foundation/size_class.hpp"

using namespace proof;

namespace {

const symbol zero(0), one(1);

void align_up() {
    const symbol x = any("x"), alignment = any_power("log2 of alignment");
    const bool wraps = ashlar::align_up_wraps(x, alignment);
    const symbol mask = alignment - one;
    if (wraps) {
        // The last multiple of the word is 2^64 - alignment: wrapping means that x lies above it.
        show(x > zero - alignment, "wraps only where no multiple of the alignment is left");
        return;
    }
    const symbol up = ashlar::align_up(x, alignment);
    show((up & mask) == zero, "a multiple");
    show(up >= x, "not below x");
    show(up - x < alignment, "the smallest such multiple");
    show(up == x + ashlar::padding_to(x, alignment), "padding_to says by how much");
}

void align_down() {
    const symbol x = any("x"), alignment = any_power("log2 of alignment");
    const symbol down = ashlar::align_down(x, alignment);
    show((down & (alignment - one)) == zero, "a multiple");
    show(down <= x, "not above x");
    show(x - down < alignment, "the largest such multiple");
    show(ashlar::is_aligned(down, alignment), "is_aligned agrees");
}

void power_of_two() {
    const symbol x = any("x");
    const bool is = ashlar::is_power_of_two(x);
    // x = 2^k for a k: then k = bit_width(x) - 1.
    const truth truly = both(x != zero, x == symbol(z3::shl(one.expression(), (bit_width(x) - one).expression())));
    show(is ? truly : no(truly), "is_power_of_two(x) if and only if x is 2^k");
}

}  // namespace

int main(int count, char** words) {
    const theorem theorems[] = {{"align_up", align_up}, {"align_down", align_down}, {"power_of_two", power_of_two}};
    return prove(theorems, count, words);
}
