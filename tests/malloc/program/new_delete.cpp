// Every form of operator new and delete, the new_handler and bad_alloc.
#include <malloc.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <string>
#include <vector>

#include "expect.hpp"

namespace {

volatile std::size_t too_much = PTRDIFF_MAX;
void* volatile kept = nullptr;  // so that the compiler does not leave out an operator new whose block nobody uses
int handler_calls = 0;

void give_up_after_three() {
    if (++handler_calls == 3) std::set_new_handler(nullptr);
}
void throw_at_once() {
    ++handler_calls;
    throw std::bad_alloc();
}

template <class F>
bool throws_bad_alloc(F f) {
    try {
        f();
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

void forms() {
    constexpr auto align = std::align_val_t{256};
    for (const std::size_t n : {0u, 1u, 100u, 5000u, 200'000u, 9'000'000u}) {
        void* blocks[] = {operator new(n), operator new[](n), operator new(n, std::nothrow),
                          operator new[](n, std::nothrow), operator new(n, align), operator new[](n, align),
                          operator new(n, align, std::nothrow), operator new[](n, align, std::nothrow)};
        for (void* p : blocks) {
            EXPECT(p != nullptr && malloc_usable_size(p) >= n);
            std::memset(p, 1, n);
        }
        for (int i = 4; i < 8; ++i) EXPECT(reinterpret_cast<std::uintptr_t>(blocks[i]) % 256 == 0);
        operator delete(blocks[0]);
        operator delete[](blocks[1], n);
        operator delete(blocks[2], std::nothrow);
        operator delete[](blocks[3]);
        operator delete(blocks[4], align);
        operator delete[](blocks[5], n, align);
        operator delete(blocks[6], n, align);
        operator delete[](blocks[7], align, std::nothrow);
    }
    operator delete(nullptr);
    delete static_cast<int*>(nullptr);
}

void refusals() {
    EXPECT(throws_bad_alloc([] { kept = operator new(too_much); }));
    EXPECT(throws_bad_alloc([] { kept = operator new[](too_much + 1); }));
    EXPECT(throws_bad_alloc([] { kept = operator new(too_much, std::align_val_t{64}); }));
    kept = operator new(too_much, std::nothrow);
    EXPECT(kept == nullptr);
    EXPECT(operator new[](too_much, std::align_val_t{64}, std::nothrow) == nullptr);
}

void handlers() {
    std::set_new_handler(&give_up_after_three);
    EXPECT(throws_bad_alloc([] { kept = operator new(too_much); }));
    EXPECT(handler_calls == 3);
    handler_calls = 0;
    std::set_new_handler(&give_up_after_three);
    kept = operator new(too_much, std::nothrow);
    EXPECT(kept == nullptr);
    EXPECT(handler_calls == 3);
    handler_calls = 0;
    std::set_new_handler(&throw_at_once);
    kept = operator new(too_much, std::nothrow);
    EXPECT(kept == nullptr);  // what a handler throws does not leave a nothrow form
    EXPECT(throws_bad_alloc([] { kept = operator new(too_much); }));
    EXPECT(handler_calls == 2);
    std::set_new_handler(nullptr);
}

}  // namespace

int main() {
    forms();
    refusals();
    handlers();
    std::vector<std::string> words;
    for (int i = 0; i < 10'000; ++i) words.push_back(std::string(static_cast<std::size_t>(i % 300), 'x'));
    for (std::size_t i = 0; i < words.size(); ++i) EXPECT(words[i].size() == i % 300);
}
