// ashlar/malloc/conf_file.hpp - ashlar.conf for programs that compose their own allocators: read as a whole, as typed values.
//
// Layer:      malloc
// Picture:    ashlar.conf -> read() -> settings().huge_pages()               options
//                                      route_of({"make_node"})->by.kind      what is to serve a place of the program
//                                      granted(4361)                         the bytes of the size class, usual or added
// Complexity: O(length); some 40 KiB, mostly rules. Allocates nothing but what std::ifstream takes.
// Failure:    a file that cannot be read or is wrong in any line is refused as a whole: problem() says where and why, and all
//             values are the defaults. The malloc at its start passes over wrong lines instead, for it must not stop a program.
// Threads:    one at a time; when it has been read, any.
// Invariants: conf_file.I1  after a refusal it is as it was made, but for problem()
// Checked by: tests/malloc/conf_file_test.cpp
//
// The text is read by the malloc's own reader (conf.hpp, site_rules.hpp): there is no other.
#pragma once

#include <fstream>
#include <initializer_list>

#include "ashlar/malloc/conf.hpp"
#include "ashlar/malloc/site_rules.hpp"
#include "ashlar/malloc/small_class.hpp"

namespace ashlar::malloc {

class conf_file {
public:
    constexpr conf_file() noexcept = default;
    conf_file(const conf_file&) = delete;  // rules point into the text
    conf_file& operator=(const conf_file&) = delete;

    /// @returns whether all of it is right; else problem() tells of the first wrong line, or of line 0 if it could not be read
    bool read(const char* path) {
        forget();
        std::ifstream file(path, std::ios::binary);
        if (!file.is_open()) return refuse({0, "cannot be opened", {}});
        file.read(text_, sizeof text_);
        length_ = static_cast<std::size_t>(file.gcount());
        return file.bad() ? refuse({0, "cannot be read", {}}) : take();
    }
    /// The same of a text, which need not last.
    constexpr bool parse(std::string_view text) noexcept {
        forget();
        for (const char c : text) {
            if (length_ == sizeof text_) break;
            text_[length_++] = c;
        }
        return take();
    }

    /// @pre read or parse returned false. Its words last until the next reading.
    constexpr const conf_problem& problem() const noexcept { return problem_; }

    constexpr const options& settings() const noexcept { return settings_; }
    constexpr const site_rules& rules() const noexcept { return rules_; }
    /// Whether any of it asks for libashlar-malloc-obey.so.
    constexpr bool has_rules() const noexcept { return rules_.count + rules_.class_count != 0; }

    /// What is to serve a place of the program: of the rules whose symbols are these functions, the innermost first, that of most
    /// places. @returns null where there is none
    constexpr const route_rule* route_of(std::initializer_list<std::string_view> functions) const noexcept {
        const site_rule* best = nullptr;
        for (std::size_t i = 0; i < rules_.count; ++i) {
            const site_rule& rule = rules_.sites[i];
            if (is_about(rule, functions) && (best == nullptr || rule.depth > best->depth)) best = &rule;
        }
        return best == nullptr ? nullptr : &rules_.routes[best->route];
    }
    /// The bytes of a block for a request of that size: of the added size classes and the usual ones, the smallest that holds it.
    /// @pre 1 <= size <= size_class_max
    constexpr std::size_t granted(std::size_t size) const noexcept {
        std::size_t bytes = size_of_class(class_of_size(size));
        for (const route_rule& r : rules_.routes) {
            if (r.is_class && size <= r.by.block_size && r.by.block_size < bytes) bytes = r.by.block_size;
        }
        return bytes;
    }

private:
    static constexpr bool is_about(const site_rule& rule, std::initializer_list<std::string_view> functions) noexcept {
        if (rule.depth > functions.size()) return false;
        for (std::size_t i = 0; i < rule.depth; ++i) {
            if (rule.places[i].symbol.empty() || rule.places[i].symbol != functions.begin()[i]) return false;
        }
        return true;
    }
    constexpr void forget() noexcept {
        length_ = 0;
        settings_ = {};
        rules_ = site_rules();
        problem_ = {};
    }
    constexpr bool refuse(const conf_problem& why) noexcept {
        settings_ = {};
        rules_ = site_rules();  // conf_file.I1
        problem_ = why;
        return false;
    }
    constexpr bool take() noexcept {
        if (length_ > longest_conf) return refuse({0, "longer than 8 KiB", {}});
        conf_problem first{};
        const bool right = read_conf({text_, length_}, '\n', settings_, [&first](const conf_problem& p) noexcept {
            if (first.line == 0) first = p;
        }, rules_);
        return right || refuse(first);
    }

    char text_[longest_conf + 1]{};
    std::size_t length_ = 0;
    options settings_{};
    site_rules rules_{};
    conf_problem problem_{};
};

}  // namespace ashlar::malloc
