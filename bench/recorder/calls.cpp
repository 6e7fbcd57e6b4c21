// bench/recorder/calls.cpp - a program that allocates at many depths: what recording call stacks costs it. calls [ROUNDS [THREADS]]
//
// A small language is parsed into trees of vectors, strings and maps, evaluated and dropped, over and over: stacks of 5 to
// 40 frames, some hundred of them, from templates of the C++ library as well.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

struct node {
    std::string name;
    std::vector<std::unique_ptr<node>> parts;
    std::map<std::string, int> marks;
};

class parser {
public:
    explicit parser(const std::string& text) : text_(text) {}
    std::unique_ptr<node> sum() {
        auto left = product();
        while (at_ < text_.size() && text_[at_] == '+') left = join("a sum of two things", std::move(left), (++at_, product()));
        return left;
    }

private:
    std::unique_ptr<node> product() {
        auto left = atom();
        while (at_ < text_.size() && text_[at_] == '*') left = join("a product of two things", std::move(left), (++at_, atom()));
        return left;
    }
    std::unique_ptr<node> atom() {
        if (text_[at_] == '(') {
            ++at_;
            auto inner = sum();
            ++at_;
            inner->marks["in brackets"] += 1;
            return inner;
        }
        auto leaf = std::make_unique<node>();
        leaf->name = "the number that is written as " + text_.substr(at_++, 1);
        return leaf;
    }
    static std::unique_ptr<node> join(const char* what, std::unique_ptr<node> a, std::unique_ptr<node> b) {
        auto both = std::make_unique<node>();
        both->name = what;
        both->parts.push_back(std::move(a));
        both->parts.push_back(std::move(b));
        return both;
    }

    const std::string& text_;
    std::size_t at_ = 0;
};

std::size_t weigh(const node& n, std::map<std::string, std::size_t>& seen) {
    std::size_t sum = ++seen[n.name] & 1;
    for (const auto& part : n.parts) sum += weigh(*part, seen);
    return sum + n.marks.size();
}

std::size_t work(long rounds) {
    const std::string text = "1*(2+(3+4*5)*(6+7))+8*(9*(1+(2+(3*(4+(5*6))))))+7";
    std::size_t total = 0;
    for (long i = 0; i < rounds; ++i) {
        std::map<std::string, std::size_t> seen;
        total += weigh(*parser(text).sum(), seen);
    }
    return total;
}

}  // namespace

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? std::atol(argv[1]) : 20000;
    const long others = argc > 2 ? std::atol(argv[2]) - 1 : 0;
    std::vector<std::thread> threads;
    for (long i = 0; i < others; ++i) threads.emplace_back(work, rounds);
    const std::size_t total = work(rounds);
    for (auto& each : threads) each.join();
    std::printf("%zu\n", total);
}
