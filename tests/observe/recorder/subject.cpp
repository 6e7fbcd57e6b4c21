// The C++ program that recorder_test.cpp records: every form of operator new and delete, once each, and their refusals.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

void must(bool true_thing) {
    if (!true_thing) std::_Exit(99);
}

constexpr std::size_t too_much = std::size_t{1} << 62;
constexpr std::align_val_t wide{64};
void* volatile spare = nullptr;
int asked = 0;

void give_spare() {
    ++asked;
    ::operator delete(spare);  // the handler may use the allocator
    spare = nullptr;
    std::set_new_handler(nullptr);
}

void throws_at_once() {
    ++asked;
    throw std::bad_alloc();
}

void every_form() {
    ::operator delete(::operator new(2001));
    ::operator delete(::operator new(2002), std::size_t{2002});
    ::operator delete(::operator new(2003, std::nothrow), std::nothrow);
    ::operator delete[](::operator new[](2004));
    ::operator delete[](::operator new[](2005), std::size_t{2005});
    ::operator delete[](::operator new[](2006, std::nothrow), std::nothrow);
    ::operator delete(::operator new(2007, wide), wide);
    ::operator delete(::operator new(2008, wide), std::size_t{2008}, wide);
    ::operator delete(::operator new(2009, wide, std::nothrow), wide, std::nothrow);
    ::operator delete[](::operator new[](2010, wide), wide);
    ::operator delete[](::operator new[](2011, wide), std::size_t{2011}, wide);
    ::operator delete[](::operator new[](2012, wide, std::nothrow), wide, std::nothrow);
    void* p = ::operator new(1, std::align_val_t{4096});
    must(reinterpret_cast<std::uintptr_t>(p) % 4096 == 0);
    ::operator delete(p, std::align_val_t{4096});
    ::operator delete(nullptr);
    ::operator delete(::operator new(0));
}

template <class Request>
bool throws(Request request) {
    try {
        request();
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

void every_refusal() {
    must(throws([] { spare = ::operator new(too_much); }));
    must(throws([] { spare = ::operator new[](too_much, wide); }));
    must(::operator new(too_much, std::nothrow) == nullptr);
    must(::operator new[](too_much, wide, std::nothrow) == nullptr);

    spare = ::operator new(3001);
    std::set_new_handler(give_spare);
    must(throws([] { ::operator delete(::operator new(too_much)); }));
    must(asked == 1 && spare == nullptr);

    std::set_new_handler(throws_at_once);
    must(throws([] { spare = ::operator new(too_much); }) && asked == 2);
    must(::operator new(too_much, std::nothrow) == nullptr && asked == 3);
    std::set_new_handler(nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    const char* mode = argc > 1 ? argv[1] : "";
    if (std::strcmp(mode, "forms") == 0) {
        every_form();
    } else if (std::strcmp(mode, "refusals") == 0) {
        every_refusal();
    } else {
        return 97;
    }
    return 0;
}
