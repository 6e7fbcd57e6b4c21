// A large C++20 translation unit for the compiler to chew on: templates, ranges, regex, format-like code.
#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <ranges>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N>
struct tower {
    using below = tower<N - 1>;
    std::tuple<std::array<int, N + 1>, std::map<int, std::string>, std::variant<int, double, std::string>> parts;
    template <class F>
    auto visit(F&& f) const {
        return std::visit([&](const auto& v) { return f(v, std::get<0>(parts)[N]) + below{}.visit(f); },
                          std::get<2>(parts));
    }
};
template <>
struct tower<0> {
    template <class F>
    int visit(F&&) const { return 0; }
};

template <class T>
concept number = std::integral<T> || std::floating_point<T>;

template <number... T>
auto statistics(const std::vector<T>&... columns) {
    auto one = [](const auto& c) { return std::accumulate(c.begin(), c.end(), 0.0) / static_cast<double>(c.size()); };
    return std::array<double, sizeof...(T)>{one(columns)...};
}

int sum_of_towers() {
    return tower<40>{}.visit([](const auto& v, int n) {
        std::ostringstream out;
        out << v << n;
        return static_cast<int>(out.str().size());
    });
}

std::vector<std::string> words_of(const std::string& text) {
    static const std::regex word("[A-Za-z_][A-Za-z0-9_]*");
    std::vector<std::string> found(std::sregex_token_iterator(text.begin(), text.end(), word), {});
    std::ranges::sort(found, std::ranges::greater{}, [](const std::string& w) { return w.size(); });
    auto squares = std::views::iota(1, 50) | std::views::transform([](int i) { return i * i; }) |
                   std::views::filter([](int i) { return i % 3 == 0; });
    for (int i : squares) found.push_back(std::to_string(i));
    return found;
}

std::unordered_map<std::string, std::set<std::filesystem::path>> index_of(const std::filesystem::path& folder) {
    std::unordered_map<std::string, std::set<std::filesystem::path>> index;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        index[entry.path().extension().string()].insert(entry.path());
    return index;
}

int main() {
    auto later = std::async(std::launch::async, [] { return sum_of_towers(); });
    const auto means = statistics(std::vector{1, 2, 3}, std::vector{1.5, 2.5}, std::vector<long>{7});
    std::mt19937_64 random(42);
    std::deque<std::function<int()>> work;
    for (int i = 0; i < 10; ++i) work.push_back([i, n = random()] { return static_cast<int>(n % 97) + i; });
    int total = 0;
    for (auto& task : work) total += task();
    std::cout << later.get() << ' ' << means[0] << ' ' << total << ' ' << words_of("a quick brown fox").size() << '\n';
}
