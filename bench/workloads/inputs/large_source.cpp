// large_source - what the compiler is given: containers of the standard library, instantiated with many types.
//
// Stresses: cc1plus allocates trees, hash tables and strings for a second and frees little; the driver and the
//           compiler are two processes, each with a start-up of its own.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

template <std::size_t N>
struct cell {
    std::map<std::string, std::vector<std::tuple<int, double, std::string>>> table;
    std::unordered_map<int, std::variant<int, std::string, std::array<char, N>>> mixed;

    auto insert(const std::string& key, int value) {
        table[key].emplace_back(value, value * 0.5 + static_cast<double>(N), key + std::to_string(value));
        mixed[value] = key;
        return std::visit([](const auto& v) { return sizeof v; }, mixed[value]);
    }
    auto sorted() const {
        std::vector<std::pair<std::string, std::size_t>> all;
        for (const auto& [key, rows] : table) all.emplace_back(key, rows.size() + N);
        std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
        return all;
    }
};

template <std::size_t... I>
std::size_t exercise(std::index_sequence<I...>) {
    std::tuple<cell<I + 1>...> cells;
    return (std::get<I>(cells).insert("key", static_cast<int>(I)) + ... + 0) +
           (std::get<I>(cells).sorted().size() + ... + 0);
}

}  // namespace

int main() { return static_cast<int>(exercise(std::make_index_sequence<1>{})); }
