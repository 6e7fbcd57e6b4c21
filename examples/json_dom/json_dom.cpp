// json_dom - a JSON tree on an arena, and the same tree on the heap: how often each asks for memory.
//
// Usage: json_dom [file]      without a file: a sample of its own
//
// The parser knows only the concept of an allocator. On the arena a node costs a few instructions and the whole tree goes
// at once; on the heap every node and every string is a block of its own, and somebody must give each back.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/system.hpp"
#include "json.hpp"

namespace {

/// Counts what reaches an upstream, and remembers the blocks of a tree that nobody walks.
class remembering {
public:
    ~remembering() {
        for (const auto& [b, l] : blocks_) ashlar::system::deallocate(b, l);
    }
    ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {
        const auto granted = ashlar::system::allocate(l);
        if (granted) blocks_.emplace_back(granted->data, l), bytes_ += l.size();
        return granted;
    }
    void deallocate(std::byte* p, ashlar::layout l) noexcept {
        for (auto& b : blocks_) {
            if (b.first != p) continue;
            b = blocks_.back();
            blocks_.pop_back();
            return ashlar::system::deallocate(p, l);
        }
    }
    std::size_t blocks() const { return blocks_.size(); }
    std::size_t bytes() const { return bytes_; }

private:
    std::vector<std::pair<std::byte*, ashlar::layout>> blocks_;
    std::size_t bytes_ = 0;
};

std::string sample() {
    std::string text = "{\"title\": \"sample \\u00e9\\ud83d\\ude00\\n\", \"entries\": [";
    for (int i = 0; i < 2000; ++i) {
        text += (i ? ", " : "") + std::string("{\"id\": ") + std::to_string(i) + ", \"name\": \"entry \\\"" + std::to_string(i) +
                "\\\"\", \"tags\": [\"a\", \"b\", null, true], \"weight\": " + std::to_string(i) + ".5e-1}";
    }
    return text + "]}";
}

int failures = 0;
void expect(bool held, const char* what) {
    if (held) return;
    std::printf("WRONG: %s\n", what);
    ++failures;
}

void check_sample(const json::node& root) {
    expect(root.member("title")->text == "sample é😀\n", "escapes mean what they should");
    const json::node* const entries = root.member("entries");
    expect(entries != nullptr && entries->size() == 2000, "all entries are there");
    const json::node& second = *entries->first->next;
    expect(second.member("id")->number == 1 && second.member("weight")->number == 0.15, "numbers are read");
    expect(second.member("name")->text == "entry \"1\"", "quotes are read");
    expect(second.member("tags")->size() == 4 && second.member("tags")->first->next->next->what == json::kind::null,
           "lists are read in order");
}

void check_bad_input() {
    for (const char* bad : {"", "{", "[1,]", "{\"a\" 1}", "\"\\x\"", "\"\\ud800\"", "\"\\u12g4\"", "\"open", "\"\\", "01", "-", "1.",
                            "1e", "nul", "[1] 2", "\"\n\"", "{\"a\":1,}", "{1:2}"}) {
        ashlar::arena<> memory;
        const auto got = json::parser(memory).parse(bad);
        expect(got.root == nullptr && got.error != nullptr, bad);
    }
    ashlar::arena<> memory;
    expect(json::parser(memory).parse(std::string(100'000, '[')).root == nullptr, "deep nesting is refused");
}

}  // namespace

int main(int count, char** arguments) {
    std::string text = sample();
    if (count > 1) {
        std::ifstream file(arguments[1], std::ios::binary);
        if (!file) return std::fprintf(stderr, "json_dom: cannot read %s\n", arguments[1]), 2;
        text.assign(std::istreambuf_iterator<char>(file), {});
    }

    remembering below_arena, heap;
    ashlar::arena<remembering> memory(below_arena);
    const auto on_arena = json::parser(memory).parse(text);
    const auto on_heap = json::parser(heap).parse(text);
    if (on_arena.root == nullptr) {
        std::printf("%s, at byte %zu\n", on_arena.error, on_arena.at);
        return 1;
    }
    if (count == 1) {
        check_sample(*on_arena.root);
        check_sample(*on_heap.root);
        check_bad_input();
        expect(below_arena.blocks() * 100 < heap.blocks(), "the arena asks a hundredth as often");
    }
    expect(on_arena.nodes == on_heap.nodes, "both trees are the same");

    std::printf("%zu bytes of text, %zu nodes\n", text.size(), on_arena.nodes);
    std::printf("arena: %6zu blocks from upstream, %8zu bytes\n", below_arena.blocks(), below_arena.bytes());
    std::printf("heap:  %6zu blocks from upstream, %8zu bytes\n", heap.blocks(), heap.bytes());
    memory.reset();  // the whole tree, at once
    return failures == 0 ? 0 : 1;
}
