// json - a JSON document as a tree of nodes, all from one allocator.
//
// A node's children are a list through the nodes, strings are bytes beside them: nothing is ever resized, so an arena
// serves all of it and takes all of it back at once. No node has a destructor.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "ashlar/foundation/allocator.hpp"

namespace json {

enum class kind : unsigned char { null, boolean, number, string, array, object };

struct node {
    kind what = kind::null;
    bool truth = false;
    double number = 0;
    std::string_view text;  // of a string
    std::string_view key;   // of a member of an object
    node* first = nullptr;  // child of an array or object
    node* next = nullptr;   // sibling

    const node* member(std::string_view name) const {
        for (const node* n = first; n != nullptr; n = n->next) {
            if (n->key == name) return n;
        }
        return nullptr;
    }
    std::size_t size() const {
        std::size_t n = 0;
        for (const node* c = first; c != nullptr; c = c->next) ++n;
        return n;
    }
};

/// What came of parsing: the tree, or where and why there is none.
struct outcome {
    node* root = nullptr;
    std::size_t at = 0;
    const char* error = nullptr;
    std::size_t nodes = 0;
};

template <ashlar::allocator A>
class parser {
public:
    explicit parser(A& a) : allocator_(a) {}

    /// @returns the tree; it lives in the allocator, the parser does not free it
    outcome parse(std::string_view text) {
        rest_ = text;
        outcome got;
        got.root = value(0);
        skip_space();
        if (error_ == nullptr && !rest_.empty()) fail("something follows the value");
        got.error = error_;
        got.at = text.size() - rest_.size();
        got.nodes = nodes_;
        if (error_ != nullptr) got.root = nullptr;
        return got;
    }

private:
    static constexpr int deepest = 500;  // a document nested deeper is refused, not followed down the stack

    node* fail(const char* why) {
        if (error_ == nullptr) error_ = why;
        return nullptr;
    }
    bool skip_space() {
        while (!rest_.empty() && std::strchr(" \t\r\n", rest_.front()) != nullptr && rest_.front() != 0) rest_.remove_prefix(1);
        return !rest_.empty();
    }
    bool take(char c) {
        if (!skip_space() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool word(std::string_view w) {
        if (rest_.substr(0, w.size()) != w) return false;
        rest_.remove_prefix(w.size());
        return true;
    }
    node* make(kind what) {
        const auto granted = allocator_.allocate(ashlar::layout::of<node>());
        if (!granted) return fail("out of memory");
        ++nodes_;
        node* const n = ::new (static_cast<void*>(granted->data)) node;
        n->what = what;
        return n;
    }

    node* value(int depth) {
        if (depth == deepest) return fail("nested too deeply");
        if (!skip_space()) return fail("a value is missing");
        switch (rest_.front()) {
            case '{': return members(depth);
            case '[': return elements(depth);
            case '"': return text_node();
            case 't': return word("true") ? boolean(true) : fail("not a value");
            case 'f': return word("false") ? boolean(false) : fail("not a value");
            case 'n': return word("null") ? make(kind::null) : fail("not a value");
            default: return number();
        }
    }
    node* boolean(bool truth) {
        node* const n = make(kind::boolean);
        if (n != nullptr) n->truth = truth;
        return n;
    }
    node* text_node() {
        node* const n = make(kind::string);
        if (n != nullptr) n->text = string();
        return n;
    }
    node* elements(int depth) {
        take('[');
        node* const list = make(kind::array);
        if (list == nullptr || take(']')) return list;
        for (node** end = &list->first;; end = &(*end)->next) {
            *end = value(depth + 1);
            if (*end == nullptr) return nullptr;
            if (take(']')) return list;
            if (!take(',')) return fail("',' or ']' is missing");
        }
    }
    node* members(int depth) {
        take('{');
        node* const object = make(kind::object);
        if (object == nullptr || take('}')) return object;
        for (node** end = &object->first;; end = &(*end)->next) {
            if (!skip_space() || rest_.front() != '"') return fail("a key is missing");
            const std::string_view key = string();
            if (error_ != nullptr) return nullptr;
            if (!take(':')) return fail("':' is missing");
            *end = value(depth + 1);
            if (*end == nullptr) return nullptr;
            (*end)->key = key;
            if (take('}')) return object;
            if (!take(',')) return fail("',' or '}' is missing");
        }
    }

    std::size_t digits() {
        std::size_t n = 0;
        while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') ++n;
        rest_.remove_prefix(n);
        return n;
    }
    node* number() {
        const std::string_view from = rest_;
        word("-");
        const bool zero = !rest_.empty() && rest_.front() == '0';
        const std::size_t whole = digits();
        if (whole == 0 || (zero && whole > 1)) return fail("not a value");
        if (word(".") && digits() == 0) return fail("digits are missing");
        if (word("e") || word("E")) {
            if (!word("+")) word("-");
            if (digits() == 0) return fail("digits are missing");
        }
        node* const n = make(kind::number);
        // strtod wants a null behind the number; what is too large for a double becomes infinite.
        if (n != nullptr) n->number = std::strtod(std::string(from.substr(0, from.size() - rest_.size())).c_str(), nullptr);
        return n;
    }

    /// A string without escapes would need no copy, but the text may go before the tree does.
    std::string_view string() {
        rest_.remove_prefix(1);
        std::size_t length = 0;
        while (length < rest_.size() && rest_[length] != '"') length += rest_[length] == '\\' ? 2u : 1u;
        if (length >= rest_.size()) return fail("the string does not end"), std::string_view();
        if (length == 0) return rest_.remove_prefix(1), std::string_view("");
        const auto granted = allocator_.allocate(*ashlar::layout::make(length, 1));  // an escape is never shorter than what it means
        if (!granted) return fail("out of memory"), std::string_view();
        char* const begin = reinterpret_cast<char*>(granted->data);
        char* end = begin;
        while (error_ == nullptr && rest_.front() != '"') {
            if (static_cast<unsigned char>(rest_.front()) < 0x20) fail("a control character in a string");
            else if (rest_.front() == '\\') end = escape(end);
            else *end++ = rest_.front(), rest_.remove_prefix(1);
        }
        if (error_ == nullptr) rest_.remove_prefix(1);
        return {begin, static_cast<std::size_t>(end - begin)};
    }
    char* escape(char* to) {
        const char c = rest_[1];
        rest_.remove_prefix(2);
        static constexpr char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
        if (c == 'u') return unicode(to);
        const char* const found = c == 0 ? nullptr : std::strchr(names, c);
        if (found == nullptr) return fail("no such escape"), to;
        *to = meant[found - names];
        return to + 1;
    }
    /// Four hexadecimal digits, -1 if they are not there.
    long hex4() {
        long v = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const char c = i < rest_.size() ? rest_[i] : 'x';
            const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
            if (digit < 0) return -1;
            v = v * 16 + digit;
        }
        rest_.remove_prefix(4);
        return v;
    }
    char* unicode(char* to) {
        long c = hex4();
        if (c >= 0xd800 && c < 0xdc00) {  // the first half of a pair
            const long low = word("\\u") ? hex4() : -1;
            c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + (c - 0xd800) * 0x400 + (low - 0xdc00) : -1;
        } else if (c >= 0xdc00 && c < 0xe000) {
            c = -1;
        }
        if (c < 0) return fail("not a code point"), to;
        const auto put = [&](long byte) { *to++ = static_cast<char>(byte); };
        if (c < 0x80) return put(c), to;
        if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 63)), to;
        if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63)), to;
        return put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63)), to;
    }

    A& allocator_;
    std::string_view rest_;
    const char* error_ = nullptr;
    std::size_t nodes_ = 0;
};

}  // namespace json
