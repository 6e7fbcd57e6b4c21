// Runs programs on the small Lisp of lisp.hpp, plainly, in steps, and with a collection at every allocation and everything
// moved after every expression: the answers must be the same.
#include "lisp.hpp"

#include <cstdio>

namespace {

struct program {
    const char* text;
    const char* answer;
};

constexpr program plain[] = {
    {"(define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))) (fib 17)", "1597"},
    {"(define range (lambda (n end) (if (= n end) (quote ()) (cons n (range (+ n 1) end)))))"
     "(define map (lambda (f list) (if (null? list) list (cons (f (car list)) (map f (cdr list))))))"
     "(map (lambda (x) (* x x)) (range 0 10))", "(0 1 4 9 16 25 36 49 64 81)"},
    {"(define add (lambda (n) (lambda (x) (+ x n)))) (define three (add 3)) (three 4)", "7"},
    {"(define loop (lambda (n sum) (if (= n 0) sum (loop (- n 1) (+ sum n))))) (loop 20000 0)", "200010000"},
};
constexpr program short_ones[] = {
    {"(define fact (lambda (n) (if (= n 0) 1 (* n (fact (- n 1)))))) (fact 10)", "3628800"},
    {"(define rev (lambda (list done) (if (null? list) done (rev (cdr list) (cons (car list) done))))) (rev (quote (a b c d)) (quote ()))", "(d c b a)"},
};

template <std::size_t N>
int wrong(const program (&programs)[N], const ashlar::gc::options& o, bool compact_between, const char* how) {
    int failed = 0;
    for (const program& p : programs) {
        lisp::interpreter l(o);
        const std::string answer = l.run(p.text, compact_between);
        const auto now = l.heap().stats();
        std::printf("%-18s %-28s %6zu collections, %zu compactions\n", how, answer.c_str(), now.collections, now.compactions);
        if (answer != p.answer || !l.heap().verify()) ++failed;
    }
    return failed;
}

}  // namespace

int main() {
    int failed = wrong(plain, {.headroom = 1 << 20}, false, "plain");
    failed += wrong(plain, {.headroom = 1 << 20, .in_steps = true}, true, "in steps");
    failed += wrong(short_ones, {.zeal = {.collect = true, .poison = true}}, true, "with zeal");
    return failed == 0 ? 0 : 1;
}
