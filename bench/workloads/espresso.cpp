// espresso - two-level logic: covers of cubes are cofactored, complemented and merged by recursion.
//
// Stresses: small blocks of a handful of sizes with nested lifetimes, beside arrays that grow by realloc.
// Source:   Brayton, Hachtel, McMullen and Sangiovanni-Vincentelli, "Logic Minimization Algorithms for VLSI
//           Synthesis", 1984 (the unate recursive paradigm); Berkeley's espresso is a malloc benchmark since 1993.
// Check:    at random points exactly one of a cover and its complement is true.

#include <utility>

#include "support.hpp"

using namespace bench;

namespace {

// Two bits per variable: 01 is the negated literal, 10 the plain one, 11 is "does not matter"; 16 variables per word.
struct cube {
    std::uint32_t words;
    std::uint32_t bits[1];

    static cube* of(std::uint32_t words) {
        auto* c = static_cast<cube*>(std::malloc(sizeof(std::uint32_t) * (words + 1)));
        expect(c != nullptr, "malloc returned null");
        c->words = words;
        std::memset(c->bits, 0xff, sizeof(std::uint32_t) * words);
        return c;
    }
    cube* copy() const {
        cube* c = of(words);
        std::memcpy(c->bits, bits, sizeof(std::uint32_t) * words);
        return c;
    }
    std::uint32_t get(std::uint32_t v) const { return bits[v / 16] >> (v % 16 * 2) & 3; }
    void set(std::uint32_t v, std::uint32_t value) {
        bits[v / 16] = (bits[v / 16] & ~(3u << (v % 16 * 2))) | value << (v % 16 * 2);
    }
    bool same(const cube& o) const { return std::memcmp(bits, o.bits, sizeof(std::uint32_t) * words) == 0; }
};

// A set of cubes: true where any of them is. The array grows by a few places at a time, as the original's did.
class cover {
public:
    explicit cover(std::uint32_t variables) : variables_(variables) {}
    cover(cover&& o) noexcept
        : variables_(o.variables_), at_(std::exchange(o.at_, nullptr)), size_(std::exchange(o.size_, 0)), room_(o.room_) {}
    cover& operator=(cover&&) = delete;
    ~cover() {
        for (cube* c : *this) std::free(c);
        std::free(at_);
    }
    cube** begin() const { return at_; }
    cube** end() const { return at_ + size_; }
    std::size_t size() const { return size_; }
    std::uint32_t variables() const { return variables_; }
    std::uint32_t words() const { return (variables_ + 15) / 16; }

    void add(cube* c) {
        if (size_ == room_) {
            room_ += 6;
            at_ = static_cast<cube**>(std::realloc(at_, room_ * sizeof *at_));
            expect(at_ != nullptr, "realloc returned null");
        }
        at_[size_++] = c;
    }
    // Take a cube out, leaving the order of the rest open.
    cube* remove(cube** place) {
        cube* c = *place;
        *place = at_[--size_];
        return c;
    }
    bool holds(const std::vector<bool>& point) const {
        for (const cube* c : *this) {
            bool inside = true;
            for (std::uint32_t v = 0; inside && v < variables_; ++v) inside = c->get(v) & (point[v] ? 2u : 1u);
            if (inside) return true;
        }
        return false;
    }

private:
    std::uint32_t variables_;
    cube** at_ = nullptr;
    std::size_t size_ = 0, room_ = 0;
};

// The cover where variable v has one value: cubes that deny it fall away, the others forget v.
cover cofactor(const cover& f, std::uint32_t v, std::uint32_t value) {
    cover r(f.variables());
    for (const cube* c : f) {
        if (!(c->get(v) & value)) continue;
        cube* kept = c->copy();
        kept->set(v, 3);
        r.add(kept);
    }
    return r;
}

// The variable that most cubes depend on, or none when a cube is true everywhere.
std::uint32_t splitting_variable(const cover& f, bool& universal) {
    std::vector<std::size_t> uses(f.variables());
    for (const cube* c : f) {
        universal = true;
        for (std::uint32_t v = 0; v < f.variables(); ++v) {
            if (c->get(v) != 3) { ++uses[v]; universal = false; }
        }
        if (universal) return 0;
    }
    std::uint32_t best = 0;
    for (std::uint32_t v = 1; v < f.variables(); ++v) if (uses[v] > uses[best]) best = v;
    return best;
}

// Both halves of a split, each bound to its value of v; a cube that both hold stays whole.
cover merge(cover&& low, cover&& high, std::uint32_t v) {
    cover r(low.variables());
    for (cube** a = low.begin(); a != low.end();) {
        cube** twin = high.begin();
        while (twin != high.end() && !(*a)->same(**twin)) ++twin;
        if (twin == high.end()) { (*a)->set(v, 1); r.add(low.remove(a)); continue; }
        std::free(high.remove(twin));
        r.add(low.remove(a));
    }
    while (high.size()) {
        cube* c = high.remove(high.begin());
        c->set(v, 2);
        r.add(c);
    }
    return r;
}

cover complement(const cover& f) {
    cover r(f.variables());
    if (f.size() == 0) {
        r.add(cube::of(f.words()));
        return r;
    }
    bool universal = false;
    const std::uint32_t v = splitting_variable(f, universal);
    if (universal) return r;
    if (f.size() == 1) {  // De Morgan: one cube per literal
        for (std::uint32_t i = 0; i < f.variables(); ++i) {
            const std::uint32_t literal = (*f.begin())->get(i);
            if (literal == 3) continue;
            r.add(cube::of(f.words()));
            r.end()[-1]->set(i, literal ^ 3);
        }
        return r;
    }
    return merge(complement(cofactor(f, v, 1)), complement(cofactor(f, v, 2)), v);
}

cover random_cover(std::uint32_t variables, std::size_t cubes, dice& choose) {
    cover f(variables);
    for (std::size_t i = 0; i < cubes; ++i) {
        cube* c = cube::of(f.words());
        for (int literals = 0; literals < 5; ++literals) {
            c->set(static_cast<std::uint32_t>(choose.below(variables)), choose.below(2) ? 2 : 1);
        }
        f.add(c);
    }
    return f;
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    dice choose(3);
    for (std::size_t n = o.times(240); n > 0; --n) {
        const auto variables = static_cast<std::uint32_t>(choose.between(12, 28));
        const cover f = random_cover(variables, 12, choose), not_f = complement(f);
        std::vector<bool> point(variables);
        for (int sample = 0; sample < 20; ++sample) {
            for (std::uint32_t v = 0; v < variables; ++v) point[v] = choose.below(2);
            expect(f.holds(point) != not_f.holds(point), "a cover and its complement agree");
        }
    }
}
