// A small Lisp whose values live on a collected heap: numbers, symbols, pairs, closures. What it shows: an interpreter
// needs a root for what it holds across a call that may make something, a handle for what it is given, and no more.
#pragma once

#include <cctype>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"

namespace lisp {

namespace gc = ashlar::gc;

enum class kind : unsigned char { number, symbol, pair, closure, builtin };

struct value {
    kind what = kind::pair;
    gc::member<value> first{}, rest{};  ///< of a pair; of a closure its parameters and (body . environment)
    double number = 0;
    const std::string* name = nullptr;  ///< of a symbol and a builtin
    static constexpr bool gc_relocatable = true;
    static constexpr auto gc_members = gc::members(&value::first, &value::rest);
};
using root = gc::root<value>;
using handle = gc::handle<value>;

class interpreter {
public:
    explicit interpreter(const gc::options& o) : heap_(o) {
        nil_ = heap_.make<value>();
        globals_ = cons(nil_, nil_);
        for (const char* name : {"+", "-", "*", "<", "=", "cons", "car", "cdr", "null?"}) {
            const root s = symbol(name);
            define(s, heap_.make<value>(kind::builtin, nullptr, nullptr, 0.0, s->name));
        }
        true_ = symbol("t");
        define(true_, true_);
    }

    /// Evaluates every expression of the text. @returns the last one's value, printed. Between two of them objects may move.
    std::string run(std::string_view text, bool compact_between) {
        root result = nil_;
        for (text_ = text; skip_space(), !text_.empty();) {
            result = eval(read(), nil_);
            if (compact_between) heap_.compact();
        }
        return print(result);
    }
    gc::heap& heap() { return heap_; }

private:
    root cons(handle a, handle b) { return heap_.make<value>(kind::pair, a, b); }
    root number(double n) { return heap_.make<value>(kind::number, nullptr, nullptr, n); }
    root symbol(std::string_view name) {
        const auto [at, fresh] = symbols_.try_emplace(std::string(name));
        if (fresh) at->second = heap_.make<value>(kind::symbol, nullptr, nullptr, 0.0, &at->first);
        return at->second;
    }
    void define(handle name, handle v) {
        const root pair = cons(name, v);
        globals_->first = cons(pair, root(globals_->first));
    }

    void skip_space() {
        while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front()))) text_.remove_prefix(1);
    }
    root read() {
        skip_space();
        if (text_.empty()) throw std::runtime_error("the text ends in an expression");
        if (text_.front() == '(') {
            text_.remove_prefix(1);
            return read_list();
        }
        std::size_t n = 0;
        while (n != text_.size() && !std::isspace(static_cast<unsigned char>(text_[n])) && text_[n] != '(' && text_[n] != ')') ++n;
        const std::string_view word = text_.substr(0, n);
        text_.remove_prefix(n);
        const bool digits = std::isdigit(static_cast<unsigned char>(word.back())) != 0;
        return digits ? number(std::stod(std::string(word))) : symbol(word);
    }
    root read_list() {
        skip_space();
        if (!text_.empty() && text_.front() == ')') {
            text_.remove_prefix(1);
            return nil_;
        }
        const root first = read();
        return cons(first, read_list());
    }

    bool is(handle v, std::string_view name) const { return v->what == kind::symbol && *v->name == name; }
    static root second(handle list) { return root(list->rest->first); }
    static root third(handle list) { return root(list->rest->rest->first); }

    root lookup(handle name, handle environment) {
        // Nothing is made here, so plain pointers do.
        for (const value* list : {environment.get(), globals_->first.get()}) {
            for (; list != nil_.get(); list = list->rest.get()) {
                if (list->first->first->name == name->name) return root(list->first->rest);
            }
        }
        throw std::runtime_error("nothing is called " + *name->name);
    }

    root eval(root what, root environment) {
        for (;;) {
            if (what->what == kind::symbol) return lookup(what, environment);
            if (what->what != kind::pair || what == nil_) return what;
            const root head(what->first);
            if (is(head, "quote")) return second(what);
            if (is(head, "define")) {
                define(second(what), eval(third(what), environment));
                return nil_;
            }
            if (is(head, "lambda")) return heap_.make<value>(kind::closure, second(what), cons(third(what), environment));
            if (is(head, "if")) {
                const bool yes = eval(second(what), environment) != nil_;
                what = yes ? third(what) : root(what->rest->rest->rest->first);
                continue;
            }
            const root function = eval(head, environment);
            root given = nil_;  // the arguments, last first
            for (root list(what->rest); list != nil_; list = list->rest) given = cons(eval(root(list->first), environment), given);
            if (function->what == kind::builtin) return call(*function->name, given);
            if (function->what != kind::closure) throw std::runtime_error("this cannot be called: " + print(function));
            environment = bind(root(function->first), given, root(function->rest->rest));
            what = function->rest->first;  // the last call needs no stack
        }
    }
    /// The parameters are bound from the last to the first, as the arguments stand.
    root bind(handle parameters, root& given, handle environment) {
        if (parameters.get() == nil_.get()) return root(environment.get());
        const root outer = bind(root(parameters->rest), given, environment);
        const root pair = cons(root(parameters->first), root(given->first));
        given = given->rest;
        return cons(pair, outer);
    }
    root call(const std::string& name, handle given) {
        const root b(given->first);
        if (name == "car") return root(b->first);
        if (name == "cdr") return root(b->rest);
        if (name == "null?") return b == nil_ ? true_ : nil_;
        const root a = second(given);
        if (name == "cons") return cons(a, b);
        if (name == "+") return number(a->number + b->number);
        if (name == "-") return number(a->number - b->number);
        if (name == "*") return number(a->number * b->number);
        if (name == "<") return a->number < b->number ? true_ : nil_;
        return a->number == b->number ? true_ : nil_;
    }

    std::string print(handle v) const {
        if (v.get() == nil_.get()) return "()";
        if (v->what == kind::number) return std::to_string(static_cast<long long>(v->number));
        if (v->what != kind::pair) return v->name == nullptr ? "closure" : *v->name;
        std::string text = "(";
        for (root list(v.get()); list != nil_; list = list->rest) text += (text.size() == 1 ? "" : " ") + print(root(list->first));
        return text + ")";
    }

    gc::heap heap_;
    root nil_, true_, globals_;
    std::map<std::string, root> symbols_;
    std::string_view text_;
};

}  // namespace lisp
