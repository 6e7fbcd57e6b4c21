#include "ashlar/ownership/inplace_string.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <unordered_set>

#include "support/broken_contract.hpp"

using namespace ashlar;

TEST_CASE("inplace_string: is its bytes, a size and a zero, and copies as such", "[ownership][inplace_string]") {
    STATIC_REQUIRE(sizeof(inplace_string<14>) == 16);
    STATIC_REQUIRE(std::is_trivially_copyable_v<inplace_string<14>>);
    STATIC_REQUIRE(sizeof(result<inplace_string<14>>) == 16);
}

TEST_CASE("inplace_string: works in constant expressions", "[ownership][inplace_string]") {
    constexpr auto greeting = [] {
        inplace_string<16> s = "hello";
        s.unchecked_append(", world");
        s.erase(5, 2);
        return s;
    }();
    STATIC_REQUIRE(greeting == "helloworld");
    STATIC_REQUIRE(greeting < inplace_string<16>("hi"));
    STATIC_REQUIRE_FALSE(inplace_string<3>::make("four").has_value());
    STATIC_REQUIRE(inplace_string<4>::make("four").has_value());
}

TEST_CASE("inplace_string: what does not fit is refused and changes nothing", "[ownership][inplace_string]") {
    inplace_string<5> s = "abc";
    CHECK_FALSE(s.try_append("def"));
    CHECK_FALSE(s.try_insert(0, "def"));
    CHECK_FALSE(s.try_assign("abcdef"));
    CHECK_FALSE(s.try_resize(6));
    CHECK(s == "abc");
    CHECK(s.try_append("de").has_value());
    CHECK_FALSE(s.try_push_back('f'));
    CHECK(s == "abcde");
    CHECK(std::string(s.c_str()) == "abcde");
    CHECK_FALSE(support::broken_contract([&] { s.unchecked_push_back('f'); }).empty());
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(s[5]); }).empty());
}

TEST_CASE("inplace_string: grows, shrinks and takes parts of itself", "[ownership][inplace_string]") {
    inplace_string<12> s;
    CHECK(s.try_assign("abcd")->view() == "abcd");
    CHECK(s.try_append(s)->view() == "abcdabcd");
    CHECK(s.try_assign(s.view().substr(3))->view() == "dabcd");
    CHECK(s.try_insert(1, "--")->view() == "d--abcd");
    CHECK(s.erase(1, 2) == "dabcd");
    CHECK(s.erase(3) == "dab");
    CHECK(s.try_resize(5, '.')->view() == "dab..");
    s.pop_back();
    CHECK(s == "dab.");
    s.clear();
    CHECK(s.empty());
    CHECK_FALSE(support::broken_contract([&] { s.pop_back(); }).empty());
}

TEST_CASE("inplace_string: truncation never cuts a character", "[ownership][inplace_string]") {
    const std::string text = "aé€😀";  // 1, 2, 3 and 4 bytes
    inplace_string<10> whole;
    CHECK(whole.assign_truncated(text) == 10);
    CHECK(whole == text);
    inplace_string<9> nine;
    CHECK(nine.assign_truncated(text) == 6);
    CHECK(nine == "aé€");
    CHECK(nine.append_truncated(text) == 3);
    CHECK(nine == "aé€aé");
    nine.truncate_utf8(5);
    CHECK(nine == "aé");
    nine.truncate_utf8(100);
    CHECK(nine == "aé");
}

TEST_CASE("inplace_string: bytes that are not UTF-8 are kept, not hidden", "[ownership][inplace_string]") {
    inplace_string<3> s;
    CHECK(s.assign_truncated("\xff\xfe\xfd\xfc") == 3);
    CHECK(s == "\xff\xfe\xfd");
    CHECK(inplace_string<4>::make(std::string_view("a\0b", 3))->size() == 3);
}

TEST_CASE("inplace_string: compares and hashes as its text", "[ownership][inplace_string]") {
    const inplace_string<8> a = "abc", b = "abd";
    CHECK(a < b);
    CHECK(a < "b");
    CHECK("abc" == a);
    const std::unordered_set<inplace_string<8>> set{a, b, a};
    CHECK(set.size() == 2);
    CHECK(std::hash<inplace_string<8>>()(a) == std::hash<std::string_view>()("abc"));
    const std::string formatted = std::string("<").append(a).append(">");
    CHECK(formatted == "<abc>");
}
