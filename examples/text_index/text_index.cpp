// text_index - which lines of a text hold which word: an index that is one block of memory.
//
// The index knows how large it will be before it is made: count first, then ask once. The object, the sorted words, the
// line numbers and the characters lie side by side (a joint allocation), so that it is made and freed by one call, and a
// look-up touches memory that is close together. Prints the same index as separate allocations beside it.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ashlar/ownership/inplace_vector.hpp"
#include "ashlar/ownership/joint.hpp"
#include "ashlar/strategy/system.hpp"

namespace {

using ashlar::elements;

/// A word: where its characters and its line numbers begin.
struct entry {
    std::uint32_t text = 0, length = 0, first_line = 0, lines = 0;
};

/// Looks into the arrays that were made beside it.
class index_head {
public:
    index_head(elements<entry> entries, elements<std::uint32_t> lines, elements<char> text)
        : entries_(entries), lines_(lines), text_(text) {}

    /// The numbers of the lines that hold the word, in order.
    elements<const std::uint32_t> lines_of(std::string_view word) const {
        const entry* const found = std::lower_bound(entries_.begin(), entries_.end(), word,
                                                    [&](const entry& e, std::string_view w) { return word_of(e) < w; });
        if (found == entries_.end() || word_of(*found) != word) return {nullptr, 0};
        return {lines_.data() + found->first_line, found->lines};
    }
    std::string_view word_of(const entry& e) const { return {text_.data() + e.text, e.length}; }
    std::size_t words() const { return entries_.size(); }

private:
    elements<entry> entries_;
    elements<std::uint32_t> lines_;
    elements<char> text_;
};

using table = std::map<std::string_view, std::vector<std::uint32_t>>;
using text_index = ashlar::joint<ashlar::system, index_head, entry, std::uint32_t, char>;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\''; }

table collect(std::string_view text) {
    table words;
    std::uint32_t line = 1;
    for (std::size_t i = 0; i < text.size();) {
        if (!is_letter(text[i])) {
            line += text[i++] == '\n';
            continue;
        }
        std::size_t end = i;
        while (end < text.size() && is_letter(text[end])) ++end;
        auto& lines = words[text.substr(i, end - i)];
        if (lines.empty() || lines.back() != line) lines.push_back(line);
        i = end;
    }
    return words;
}

ashlar::result<text_index> build(ashlar::system& heap, const table& words) {
    std::size_t lines = 0, characters = 0;
    for (const auto& [word, where] : words) lines += where.size(), characters += word.size();
    auto made = ashlar::make_joint<index_head, entry, std::uint32_t, char>(heap, {words.size(), lines, characters});
    if (!made) return ashlar::alloc_error{};
    text_index index = *std::move(made);
    const auto entries = index.array<0>();
    const auto numbers = index.array<1>();
    const auto text = index.array<2>();
    std::uint32_t e = 0, l = 0, t = 0;
    for (const auto& [word, where] : words) {
        entries[e++] = {t, static_cast<std::uint32_t>(word.size()), l, static_cast<std::uint32_t>(where.size())};
        for (const std::uint32_t n : where) numbers[l++] = n;
        for (const char c : word) text[t++] = c;
    }
    return index;
}

std::string sample() {
    static constexpr const char* words[] = {"arena", "block", "chunk", "free", "grant", "heap", "layout", "owner", "page", "pool"};
    std::string text;
    std::uint32_t state = 7;
    for (int line = 0; line < 5000; ++line) {
        for (int i = 0; i < 6; ++i) {
            state = state * 1664525u + 1013904223u;
            text += words[state >> 16 & 7];
            if ((state >> 24) % 4 == 0) text += static_cast<char>('a' + (state >> 8) % 26);
            text += ' ';
        }
        text += '\n';
    }
    return text + "the last line has a word of its own: keystone\n";
}

int failures = 0;
void expect(bool held, const char* what) {
    if (held) return;
    std::printf("WRONG: %s\n", what);
    ++failures;
}

}  // namespace

int main() {
    ashlar::system heap;
    const std::string text = sample();
    const table words = collect(text);
    const auto made = build(heap, words);
    if (!made) return std::fprintf(stderr, "text_index: out of memory\n"), 1;
    const index_head& index = **made;

    expect(index.words() == words.size(), "every word is in the index");
    std::size_t lines = 0;
    for (const auto& [word, where] : words) {
        const auto found = index.lines_of(word);
        lines += found.size();
        expect(found.size() == where.size() && std::equal(found.begin(), found.end(), where.begin()), "a word has all its lines");
    }
    const auto once = index.lines_of("keystone");
    expect(once.size() == 1 && once[0] == 5001, "a word that stands once is found on its line");
    expect(index.lines_of("absent").size() == 0 && index.lines_of("").size() == 0, "a word that does not stand there has none");

    // The words on the most lines: a list of fixed length needs no memory of its own.
    ashlar::inplace_vector<std::string_view, 3> most;
    for (const auto& [word, where] : words) {
        std::size_t at = 0;
        while (at < most.size() && words.at(most[at]).size() >= where.size()) ++at;
        if (most.room() == 0 && at < most.size()) most.pop_back();
        if (at <= most.size() && most.room() != 0) most.try_emplace(at, word).value();
    }
    std::printf("%zu words on %zu lines; most often:", index.words(), lines);
    for (const std::string_view word : most) std::printf(" %.*s", static_cast<int>(word.size()), word.data());
    std::printf("\njoint: 1 allocation; a map of vectors: at least %zu\n", 2 * words.size());
    return failures == 0 ? 0 : 1;
}
