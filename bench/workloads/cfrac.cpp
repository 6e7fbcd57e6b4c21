// cfrac - factoring by continued fractions: arithmetic on numbers of a few words, each result a new block.
//
// Stresses: the malloc and free of tiny blocks that live for a few dozen instructions: nothing but the fast path.
// Source:   Morrison and Brillhart, "A Method of Factoring and the Factorization of F7", Mathematics of Computation
//           29, 1975; Barrett's cfrac has been a malloc benchmark since Zorn and Grunwald measured it in 1993.
// Check:    A(k-1)^2 = (-1)^k Q(k) mod N holds at every step.

#include <utility>

#include "support.hpp"

using namespace bench;

namespace {

// A natural number, least digit first, base 2^32, no leading zeros; every one is a block of its own.
class number {
public:
    explicit number(std::uint32_t digits)
        : n_(digits), d_(static_cast<std::uint32_t*>(std::malloc((digits + !digits) * 4))) {
        expect(d_ != nullptr, "malloc returned null");
    }
    static number of(std::uint64_t v) {
        number r(2);
        r.d_[0] = static_cast<std::uint32_t>(v);
        r.d_[1] = static_cast<std::uint32_t>(v >> 32);
        return r.trimmed();
    }
    number(number&& o) noexcept : n_(o.n_), d_(std::exchange(o.d_, nullptr)) {}
    number& operator=(number&& o) noexcept { std::swap(n_, o.n_); std::swap(d_, o.d_); return *this; }
    ~number() { std::free(d_); }
    number copy() const {
        number r(n_);
        std::memcpy(r.d_, d_, n_ * 4);
        return r;
    }

    bool zero() const { return n_ == 0; }
    int compare(const number& o) const {
        if (n_ != o.n_) return n_ < o.n_ ? -1 : 1;
        for (std::uint32_t i = n_; i-- > 0;) if (d_[i] != o.d_[i]) return d_[i] < o.d_[i] ? -1 : 1;
        return 0;
    }

    friend number operator+(const number& a, const number& b) {
        const number &l = a.n_ >= b.n_ ? a : b, &s = a.n_ >= b.n_ ? b : a;
        number r(l.n_ + 1);
        std::uint64_t carry = 0;
        for (std::uint32_t i = 0; i < l.n_; ++i, carry >>= 32) {
            carry += std::uint64_t{l.d_[i]} + (i < s.n_ ? s.d_[i] : 0);
            r.d_[i] = static_cast<std::uint32_t>(carry);
        }
        r.d_[l.n_] = static_cast<std::uint32_t>(carry);
        return r.trimmed();
    }
    // @pre a >= b
    friend number operator-(const number& a, const number& b) {
        number r(a.n_);
        std::int64_t borrow = 0;
        for (std::uint32_t i = 0; i < a.n_; ++i, borrow >>= 32) {
            borrow += std::int64_t{a.d_[i]} - (i < b.n_ ? b.d_[i] : 0);
            r.d_[i] = static_cast<std::uint32_t>(borrow);
        }
        expect(borrow == 0, "a difference below zero");
        return r.trimmed();
    }
    friend number operator*(const number& a, const number& b) {
        number r(a.n_ + b.n_);
        std::memset(r.d_, 0, r.n_ * 4);
        for (std::uint32_t i = 0; i < a.n_; ++i) {
            std::uint64_t carry = 0;
            for (std::uint32_t j = 0; j < b.n_; ++j, carry >>= 32) {
                carry += std::uint64_t{a.d_[i]} * b.d_[j] + r.d_[i + j];
                r.d_[i + j] = static_cast<std::uint32_t>(carry);
            }
            r.d_[i + b.n_] = static_cast<std::uint32_t>(carry);
        }
        return r.trimmed();
    }
    // Knuth's algorithm D (The Art of Computer Programming 2, 4.3.1). @pre !b.zero()
    static std::pair<number, number> divide(const number& a, const number& b) {
        if (a.compare(b) < 0) return {of(0), a.copy()};
        const auto s = static_cast<std::uint32_t>(__builtin_clz(b.d_[b.n_ - 1]));
        number u = a.shifted(s), q(a.n_ - b.n_ + 1);
        const number v = b.shifted(s).trimmed();
        for (std::uint32_t j = q.n_; j-- > 0;) q.d_[j] = u.subtract_multiple(v, j);
        u.n_ = v.n_;
        for (std::uint32_t i = 0; i < u.n_; ++i) {
            const std::uint64_t two = u.d_[i] | (i + 1 < u.n_ ? std::uint64_t{u.d_[i + 1]} << 32 : 0);
            u.d_[i] = static_cast<std::uint32_t>(two >> s);
        }
        return {q.trimmed(), u.trimmed()};
    }
    friend number operator/(const number& a, const number& b) { return divide(a, b).first; }
    friend number operator%(const number& a, const number& b) { return divide(a, b).second; }

private:
    number trimmed() && { return std::move(trimmed_()); }
    number trimmed() & { return std::move(trimmed_()); }
    number& trimmed_() {
        while (n_ && d_[n_ - 1] == 0) --n_;
        return *this;
    }
    // One digit longer, shifted left by less than a digit.
    number shifted(std::uint32_t bits) const {
        number r(n_ + 1);
        std::uint64_t carry = 0;
        for (std::uint32_t i = 0; i < n_; ++i, carry >>= 32) {
            carry |= std::uint64_t{d_[i]} << bits;
            r.d_[i] = static_cast<std::uint32_t>(carry);
        }
        r.d_[n_] = static_cast<std::uint32_t>(carry);
        return r;
    }
    // One quotient digit at place j: estimate from two digits, subtract, add back at most twice.
    std::uint32_t subtract_multiple(const number& v, std::uint32_t j) {
        const std::uint64_t two = std::uint64_t{d_[j + v.n_]} << 32 | d_[j + v.n_ - 1];
        std::uint64_t digit = two / v.d_[v.n_ - 1];
        if (digit >> 32) digit = 0xffffffffu;
        std::uint64_t carry = 0;
        std::int64_t borrow = 0;
        for (std::uint32_t i = 0; i <= v.n_; ++i, carry >>= 32, borrow >>= 32) {
            carry += i < v.n_ ? digit * v.d_[i] : 0;
            borrow += std::int64_t{d_[j + i]} - static_cast<std::uint32_t>(carry);
            d_[j + i] = static_cast<std::uint32_t>(borrow);
        }
        for (; borrow < 0; --digit) {
            std::uint64_t sum = 0;
            for (std::uint32_t i = 0; i <= v.n_; ++i, sum >>= 32) {
                sum += std::uint64_t{d_[j + i]} + (i < v.n_ ? v.d_[i] : 0);
                d_[j + i] = static_cast<std::uint32_t>(sum);
            }
            borrow += static_cast<std::int64_t>(sum);
        }
        return static_cast<std::uint32_t>(digit);
    }

    std::uint32_t n_;
    std::uint32_t* d_;
};

number square_root(const number& n) {
    number x = n.copy();
    const number two = number::of(2);
    for (;;) {
        number y = (x + n / x) / two;
        if (y.compare(x) >= 0) return x;
        x = std::move(y);
    }
}

// How far Q splits into the small primes, as the factor base of the real program does.
number smooth_part_removed(number q) {
    for (const std::uint64_t p : {2u, 3u, 5u, 7u, 11u, 13u, 17u, 19u, 23u, 29u, 31u, 37u}) {
        const number prime = number::of(p);
        for (auto [quotient, rest] = number::divide(q, prime); rest.zero() && !q.zero();
             std::tie(quotient, rest) = number::divide(q, prime)) {
            q = std::move(quotient);
        }
    }
    return q;
}

void expand(const number& n, std::size_t steps) {
    const number root = square_root(n);
    number p = number::of(0), q = number::of(1), a = root.copy(), before = number::of(1), now = root.copy();
    for (std::size_t k = 1; k <= steps; ++k) {
        p = a * q - p;
        q = (n - p * p) / q;
        const number square = now * now % n, signed_q = k % 2 ? n - q : q.copy();
        expect(square.compare(signed_q) == 0, "the continued fraction lost its invariant");
        expect(!smooth_part_removed(q.copy()).zero(), "a remainder vanished");
        a = (root + p) / q;
        number next = (a * now + before) % n;
        before = std::exchange(now, std::move(next));
    }
}

}  // namespace

int main(int argc, char** argv) {
    const options o(argc, argv);
    const number p = number::of(1'000'000'000'000'000'003u), r = number::of(999'999'999'999'999'989u);
    expand(p * r, o.times(150'000));
    expand(p * r * number::of(4'294'967'291u), o.times(100'000));
}
