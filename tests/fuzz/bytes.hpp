// tests/fuzz/bytes.hpp - what every target of a structure stands on: bytes as choices, and claims that throw.
//
// A target is one function, interpret(bytes): it does what the bytes say to a structure and to a plain model of it, and claims
// after each step that they agree. entry.cpp makes a program for libFuzzer and AFL++ of it, property.cpp one for RapidCheck.
// A claim throws, so that RapidCheck can shorten what broke it. The names are Catch's: what tests share can be included here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>

namespace fuzz {

/// A choice takes a byte, two where there are more than 256 ways; when they are used up, it is always the first way.
class bytes {
public:
    explicit bytes(std::span<const std::uint8_t> all) : left_(all) {}
    bool empty() const { return left_.empty(); }
    std::size_t next() {
        if (left_.empty()) return 0;
        const std::size_t first = left_.front();
        left_ = left_.subspan(1);
        return first;
    }
    std::size_t below(std::size_t n) {
        const std::size_t first = next();
        return (n <= 256 ? first : first << 8 | next()) % n;
    }
    bool one_in(std::size_t n) { return below(n) == n - 1; }
    std::uint64_t word() {
        std::uint64_t all = 0;
        for (int i = 0; i < 8; ++i) all = all << 8 | next();
        return all;
    }
    std::span<const std::uint8_t> rest() const { return left_; }

private:
    std::span<const std::uint8_t> left_;
};

struct broken : std::logic_error {
    using std::logic_error::logic_error;
};
[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
    throw broken(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

/// Of each target.
void interpret(bytes all);

}  // namespace fuzz

#define REQUIRE(...) ((__VA_ARGS__) ? void() : fuzz::fail(__FILE__, __LINE__, #__VA_ARGS__))
#define CHECK(...) REQUIRE(__VA_ARGS__)
#define INFO(...) void()
#define FAIL(...) fuzz::fail(__FILE__, __LINE__, (std::ostringstream() << __VA_ARGS__).str())
