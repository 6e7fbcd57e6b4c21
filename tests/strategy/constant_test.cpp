#include "ashlar/strategy/constant.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cinttypes>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "support/in_child.hpp"
#include "support/section_of.hpp"

namespace {

constexpr auto primes = ashlar::constant<[] {
    std::vector<std::uint16_t> found;
    for (std::uint16_t n = 2; found.size() < 100; ++n) {
        if (std::none_of(found.begin(), found.end(), [n](std::uint16_t p) { return n % p == 0; })) found.push_back(n);
    }
    return found;
}>();
static_assert(primes.size() == 100 && primes[0] == 2 && primes[99] == 541);
static_assert(std::is_same_v<decltype(primes), const std::span<const std::uint16_t>>);

/// Text of a type of one's own: it need only convert to a std::string_view.
struct letters : std::vector<char> {
    constexpr letters& add(std::string_view more) {
        insert(end(), more.begin(), more.end());
        return *this;
    }
    constexpr operator std::string_view() const { return {data(), size()}; }
};
constexpr auto greeting = ashlar::constant<[] { return letters().add("good").add(" morning, whoever you may be"); }>();
static_assert(greeting == "good morning, whoever you may be" && greeting.data()[greeting.size()] == '\0');

#ifndef __clang__  // which does not take libstdc++ 12's std::string in constant evaluation
constexpr auto lines = ashlar::constant<[] {
    std::vector<std::string> made(2, "a");
    made[1] += " line too long for the string object itself";
    return made;
}>();
static_assert(lines[0] == "a" && lines[1] == "a line too long for the string object itself");
#endif

// A table that is looked up by name, sorted by the compiler; text within pairs within a vector, and lists in them.
constexpr std::vector<std::pair<std::string_view, std::vector<int>>> divisors_by_name() {
    std::vector<std::pair<std::string_view, std::vector<int>>> table{{"twelve", {}}, {"seven", {}}, {"one", {}}, {"ten", {}}};
    const int values[] = {12, 7, 1, 10};
    for (std::size_t i = 0; i < 4; ++i) {
        for (int d = 2; d < values[i]; ++d) {
            if (values[i] % d == 0) table[i].second.push_back(d);
        }
    }
    std::sort(table.begin(), table.end());
    return table;
}
constexpr auto divisors = ashlar::constant<divisors_by_name>();
static_assert(divisors.size() == 4 && divisors[0].first == "one" && divisors[1].first == "seven");
static_assert(divisors[3].first == "twelve" && divisors[3].second.size() == 4 && divisors[3].second[3] == 6);
static_assert(divisors[0].second.empty() && divisors[2].second[1] == 5);

// Containers with an allocator of one's own are kept too.
template <class T>
struct counting_allocator {
    using value_type = T;
    constexpr counting_allocator() = default;
    template <class U>
    constexpr counting_allocator(const counting_allocator<U>&) {}
    constexpr T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
    constexpr void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
    friend constexpr bool operator==(counting_allocator, counting_allocator) { return true; }
};
constexpr auto powers = ashlar::constant<[] {
    std::vector<std::uint64_t, counting_allocator<std::uint64_t>> made(1, 1);
    while (made.size() < 64) made.push_back(made.back() * 2);
    return made;
}>();
static_assert(powers[63] == std::uint64_t{1} << 63);

constexpr auto plain = ashlar::constant<[] { return 6 * 7; }>();
static_assert(plain == 42);
constexpr auto nothing = ashlar::constant<[] { return std::vector<int>(); }>();
static_assert(nothing.empty());

/// Whether the page that p lies in is mapped, and not for writing.
bool in_read_only_memory(const void* p) {
    std::FILE* const maps = std::fopen("/proc/self/maps", "r");
    if (maps == nullptr) return false;
    bool found = false;
    char line[512], access[8];
    const auto sought = reinterpret_cast<std::uintptr_t>(p);
    while (std::fgets(line, sizeof line, maps) != nullptr) {
        std::uintptr_t begin = 0, end = 0;
        if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &begin, &end, access) != 3) continue;
        if (begin <= sought && sought < end) found = access[0] == 'r' && access[1] == '-';
    }
    std::fclose(maps);
    return found;
}

}  // namespace

TEST_CASE("constant: what was built lies in memory that is never writable", "[strategy][constant]") {
    CHECK(in_read_only_memory(primes.data()));
    CHECK(in_read_only_memory(greeting.data()));
    CHECK(in_read_only_memory(divisors.data()));
    CHECK(in_read_only_memory(divisors[1].first.data()));
    CHECK(in_read_only_memory(divisors[3].second.data()));
    int writable = 0;
    CHECK_FALSE(in_read_only_memory(&writable));
}

TEST_CASE("constant: what was built lies in the program's section of constants", "[strategy][constant]") {
    CHECK(support::section_of(primes.data()) == ".rodata");
    CHECK(support::section_of(greeting.data()) == ".rodata");
    CHECK(support::section_of(divisors[3].second.data()) == ".rodata");
    // Addresses within it are known when the program has been loaded; after that nobody can write there either.
    const std::string addresses = support::section_of(divisors.data());
    CHECK((addresses == ".rodata" || addresses == ".data.rel.ro"));
    static int writable = 1;
    CHECK(support::section_of(&writable) == ".data");
}

TEST_CASE("constant: a write to it ends the process", "[strategy][constant]") {
    const auto end = support::in_child([] {
        for (const int s : {SIGSEGV, SIGBUS}) std::signal(s, SIG_DFL);  // a sanitizer would report and leave
        auto* volatile target = const_cast<std::uint16_t*>(primes.data());
        *target = 4;
        return 0;
    });
    CHECK(end.signal == SIGSEGV);
}

TEST_CASE("constant: is read at run time as what it became", "[strategy][constant]") {
    std::size_t sum = 0;
    for (const auto p : primes) sum += p;
    CHECK(sum == 24133);
    std::string names;
    for (const auto& [name, list] : divisors) names += std::string(name) + ":" + std::to_string(list.size()) + " ";
    CHECK(names == "one:0 seven:0 ten:2 twelve:4 ");
}
