// Theorems about the arithmetic of foundation: alignment.hpp, layout.hpp, size_class.hpp, buddy_math.hpp.
#include "symbolic.hpp"

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/buddy_math.hpp"
#include "ashlar/foundation/layout.hpp"
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

// ---- layouts -------------------------------------------------------------------------------------------

const symbol most(PTRDIFF_MAX);

/// Any layout that there is, by layout.I1 and layout.I2.
void any_layout(const char* size_name, const char* align_name, symbol& size, symbol& align) {
    size = any(size_name);
    align = any_power(align_name, 63);
    assume(size <= most - (align - one));
}

void layout_make() {
    const symbol size = any("size"), align = any("align");
    const bool made = ashlar::layout_math::holds(size, align);
    // In 66 bits nothing wraps: align is a power of two, and size rounded up to it is at most PTRDIFF_MAX.
    const truth power = both(align != zero, (align & (align - one)) == zero);
    const auto wide = [](const symbol& s) { return z3::zext(s.expression(), 2); };
    const z3::expr rounded = (wide(size) + wide(align) - 1) & ~(wide(align) - 1);
    const truth right = both(both(power, align <= most), truth(z3::ule(rounded, wide(most))));
    show(made ? right : no(right), "made if and only if layout.I1 and layout.I2 hold");
}

void layout_padded() {
    symbol size, align;
    any_layout("size", "log2 of align", size, align);
    show(!ashlar::align_up_wraps(size, align), "padding does not wrap");
    const symbol padded = ashlar::align_up(size, align);
    show(ashlar::layout_math::holds(padded, align), "the padded layout is a layout");
    show(ashlar::align_up(padded, align) == padded, "padding twice is padding once");
}

void layout_extend() {
    symbol size, align, next, next_align;
    any_layout("size", "log2 of align", size, align);
    any_layout("next size", "log2 of next align", next, next_align);
    show(!ashlar::align_up_wraps(size, next_align), "the offset does not wrap");
    const symbol offset = ashlar::align_up(size, next_align), larger = choose(align > next_align, align, next_align);
    const symbol whole = offset + next;
    show(whole >= offset, "the end does not wrap");
    show(both((offset & (next_align - one)) == zero, offset >= size), "the second part is aligned, behind the first");
    show(offset - size < next_align, "and not further behind than it must be");
    const bool made = ashlar::layout_math::holds(whole, larger);
    show(made ? whole <= most - (larger - one) : whole > most - (larger - one), "refused only where padding would pass PTRDIFF_MAX");
}

void layout_repeat() {
    symbol size, align;
    any_layout("size", "log2 of align", size, align);
    const symbol n = any("n"), stride = ashlar::align_up(size, align);
    const bool granted = ashlar::layout_math::repeats(size, align, n) && ashlar::layout_math::holds(stride * n, align);
    const truth room(z3::ule(product(stride, n), z3::zext((most - (align - one)).expression(), 64)));
    show(granted ? room : no(room), "granted if and only if n strides, padded, are at most PTRDIFF_MAX");
}

// ---- size classes --------------------------------------------------------------------------------------

symbol any_small_size(const char* name) {
    const symbol size = any_below(name, ashlar::size_class_max + 1);
    assume(size != zero);
    return size;
}

void size_class_fits() {
    const symbol size = any_small_size("size"), index = ashlar::class_of_size(size);
    show(index < symbol(ashlar::size_class_count), "the class exists");
    const symbol bytes = ashlar::size_of_class(index);
    show(bytes >= size, "size_class.I1: its blocks hold the size");
    show((bytes & symbol(15)) == zero, "size_class.I3: a multiple of 16");
}

void size_class_minimal() {
    const symbol size = any_small_size("size"), index = ashlar::class_of_size(size);
    const symbol other = any_below("other class", ashlar::size_class_count);
    assume(other < index);
    show(ashlar::size_of_class(other) < size, "size_class.I1: no smaller class holds the size");
}

void size_class_slack() {
    const symbol size = any_small_size("size"), slack = ashlar::size_of_class(ashlar::class_of_size(size)) - size;
    show(implies(size <= symbol(128), slack < symbol(16)), "size_class.I2: below 16 bytes up to 128");
    show(implies(size > symbol(128), slack * symbol(4) < size), "size_class.I2: below a quarter above");
}

void size_class_inverse() {
    const symbol index = any_below("class", ashlar::size_class_count);
    const symbol bytes = ashlar::size_of_class(index);
    show(both(bytes != zero, bytes <= symbol(ashlar::size_class_max)), "its size has a class");
    show(ashlar::class_of_size(bytes) == index, "which is that class");
}

void size_class_monotone() {
    const symbol a = any_small_size("a"), b = any_small_size("b");
    assume(a <= b);
    show(ashlar::class_of_size(a) <= ashlar::class_of_size(b), "a larger size has no smaller class");
}

// ---- buddies -------------------------------------------------------------------------------------------

void buddy_order() {
    const symbol size = any("size"), log_align = any_below("log2 of align", 62), least = any_below("least", 62);
    assume(both(size != zero, size <= symbol(std::uint64_t{1} << 61)));
    const symbol order = ashlar::buddy_order(size, shl(one, log_align), least);
    show(both(order >= least, order >= log_align), "not below the least, and aligned");
    show(shl(one, order) >= size, "the block holds the size");
    const truth smaller = implies(order != zero, symbol(z3::lshr(shl(one, order).expression(), 1)) < size);
    show(either(either(order == least, order == log_align), smaller), "no lower order does");
}

void buddy_numbers() {
    const symbol top = any_below("top", 63), order = any_below("order", 63), offset = any("offset");
    assume(both(order <= top, offset < shl(one, top)));
    assume((offset & (shl(one, order) - one)) == zero);
    const symbol number = ashlar::number_of_block(offset, order, top), first = shl(one, top - order);
    show(both(number >= first, number < first + first), "the numbers of an order are [2^(top-order), 2^(top-order+1))");
    show(ashlar::offset_of_block(number, order, top) == offset, "buddy_math.I1: back again");
}

void buddy_offsets() {
    const symbol top = any_below("top", 63), order = any_below("order", 63), number = any("number");
    assume(order <= top);
    const symbol first = shl(one, top - order);
    assume(both(number >= first, number < first + first));
    const symbol offset = ashlar::offset_of_block(number, order, top);
    show(offset < shl(one, top), "within the region");
    show((offset & (shl(one, order) - one)) == zero, "aligned to its own size");
    show(ashlar::number_of_block(offset, order, top) == number, "buddy_math.I1: and back again");
}

void buddy_halves() {
    const symbol order = each_below("order", 47), top = any_below("top", 48), number = any("number");
    assume(order < top);
    const symbol first = shl(one, top - order);
    assume(both(number >= first, number < first + first));
    const symbol buddy = ashlar::buddy_of(number), parent = ashlar::parent_of(number), size = shl(one, order);
    show(buddy != number, "another one");
    show(both(buddy >= first, buddy < first + first), "of the same order");
    show(ashlar::buddy_of(buddy) == number, "whose buddy is the first");
    show(ashlar::parent_of(buddy) == parent, "of the same parent");
    show(ashlar::first_half_of(parent) == min(number, buddy), "which begins with one of them");
    const symbol mine = ashlar::offset_of_block(number, order, top), its = ashlar::offset_of_block(buddy, order, top);
    const symbol whole = ashlar::offset_of_block(parent, order + one, top);
    show(min(mine, its) == whole, "buddy_math.I2: the lower one begins where the parent does");
    show(choose(mine < its, its - mine, mine - its) == size, "buddy_math.I2: the other one half of it further");
}

}  // namespace

int main(int count, char** words) {
    const theorem theorems[] = {
        {"align_up", align_up}, {"align_down", align_down}, {"power_of_two", power_of_two},
        {"layout_make", layout_make}, {"layout_padded", layout_padded}, {"layout_extend", layout_extend},
        {"layout_repeat", layout_repeat, by::functions},
        {"size_class_fits", size_class_fits}, {"size_class_minimal", size_class_minimal},
        {"size_class_slack", size_class_slack}, {"size_class_inverse", size_class_inverse},
        {"size_class_monotone", size_class_monotone},
        {"buddy_order", buddy_order}, {"buddy_numbers", buddy_numbers}, {"buddy_offsets", buddy_offsets},
        {"buddy_halves", buddy_halves},
    };
    return prove(theorems, count, words);
}
