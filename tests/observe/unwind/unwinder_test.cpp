#include <catch2/catch.hpp>
#include <dlfcn.h>

#include <fstream>
#include <memory>
#include <thread>

#include "oracle.hpp"
#include "subject.hpp"

using ashlar::unwind::unwinder;
using oracle::pair;

namespace {

struct looking {
    unwinder* u;
    pair seen;
    int times = 1;
};

/// What the subjects call at the innermost place.
[[gnu::noinline]] void look(void* p) {
    auto& l = *static_cast<looking*>(p);
    for (int i = 0; i < l.times; ++i) l.seen = oracle::look(*l.u);
}

/// The stack must be libunwind's, whole, when it is new, and when the unwinder has just seen it.
void check_all(unwinder& u, const std::function<void(subject::visit, void*)>& at, std::size_t least) {
    for (int times : {1, 2, 1}) {
        looking l{&u, {}, times};
        at(&look, &l);
        CAPTURE(times, l.seen.shared);
        CHECK(l.seen.ours == l.seen.theirs);
        CHECK(l.seen.ours.size() >= least);
        CHECK_FALSE(l.seen.cut);
    }
}

std::unique_ptr<unwinder> make() {
    ashlar::unwind::rules.prepare();
    return std::make_unique<unwinder>();
}

}  // namespace

TEST_CASE("unwinder: stacks of code without frame pointers are those of libunwind", "[unwind][unwinder]") {
    const auto u = make();
    for (int depth : {0, 1, 7, 40, 7, 41, 40}) {
        CAPTURE(depth);
        check_all(*u, [=](auto v, void* p) { subject::recurse(depth, v, p); }, static_cast<std::size_t>(depth));
    }
}

TEST_CASE("unwinder: callbacks of the C library and algorithms of the C++ library", "[unwind][unwinder]") {
    const auto u = make();
    check_all(*u, subject::in_qsort, 5);
    check_all(*u, subject::in_sort, 4);
}

TEST_CASE("unwinder: exceptions under way and caught", "[unwind][unwinder]") {
    const auto u = make();
    check_all(*u, subject::while_throwing, 5);
    check_all(*u, subject::in_catch, 4);
}

TEST_CASE("unwinder: frames of changing size and realigned frames", "[unwind][unwinder]") {
    const auto u = make();
    for (int size : {1, 100, 5000, 100, 60000, 1}) check_all(*u, [=](auto v, void* p) { subject::with_alloca(size, v, p); }, 4);
    check_all(*u, subject::realigned, 4);
}

TEST_CASE("unwinder: a signal's frame is crossed, on the same stack and from another", "[unwind][unwinder]") {
    const auto u = make();
    check_all(*u, [](auto v, void* p) { subject::in_signal_handler(v, p, false); }, 6);
    check_all(*u, [](auto v, void* p) { subject::in_signal_handler(v, p, true); }, 6);
}

TEST_CASE("unwinder: coroutines and stacks made by the program", "[unwind][unwinder]") {
    const auto u = make();
    check_all(*u, subject::in_coroutine, 4);
    looking l{u.get(), {}};
    subject::on_made_stack(&look, &l);
    CHECK(l.seen.ours == l.seen.theirs);  // its outermost frame has no caller, which its table does not say: cut
    CHECK(l.seen.ours.size() >= 2);
    check_all(*u, subject::in_coroutine, 4);
}

TEST_CASE("unwinder: threads with small and large stacks", "[unwind][unwinder]") {
    for (std::size_t bytes : {std::size_t{1} << 16, std::size_t{8} << 20}) {
        const auto u = make();
        check_all(*u, [=](auto v, void* p) { subject::in_thread(v, p, bytes); }, 3);
    }
}

TEST_CASE("unwinder: code made at run time cuts a stack, or is crossed by its frame pointer", "[unwind][unwinder]") {
    const auto u = make();
    looking l{u.get(), {}};
    subject::from_made_code(&look, &l);
    CHECK(l.seen.cut);
    CHECK(l.seen.ours.size() >= 1);
    subject::from_made_code_with_frame(&look, &l);
    CHECK_FALSE(l.seen.cut);
    CHECK(l.seen.ours.size() >= 4);
}

TEST_CASE("unwinder: of a stack deeper than what is kept the innermost part is told", "[unwind][unwinder]") {
    const auto u = make();
    for (int depth : {1000, 1001, 1500, 1000, 900, 5}) {
        looking l{u.get(), {}};
        subject::recurse(depth, &look, &l);
        CAPTURE(depth);
        const std::size_t n = std::min(l.seen.ours.size(), l.seen.theirs.size());
        CHECK(n >= 6);
        CHECK(std::equal(l.seen.ours.begin(), l.seen.ours.begin() + static_cast<std::ptrdiff_t>(n), l.seen.theirs.begin()));
        CHECK(l.seen.ours.size() == l.seen.theirs.size());
        CHECK(l.seen.cut == (depth >= 256));
    }
}

TEST_CASE("unwinder: what the walk before knew is used only where it is still true", "[unwind][unwinder]") {
    const auto u = make();
    looking l{u.get(), {}};
    // The same innermost frames under callers that change, and the other way round.
    struct step {
        static void twice(subject::visit v, void* p) {
            subject::recurse(3, v, p);
            CHECK(static_cast<looking*>(p)->seen.ours == static_cast<looking*>(p)->seen.theirs);
            subject::recurse(3, v, p);
            CHECK(static_cast<looking*>(p)->seen.ours == static_cast<looking*>(p)->seen.theirs);
            subject::recurse(4, v, p);
            CHECK(static_cast<looking*>(p)->seen.ours == static_cast<looking*>(p)->seen.theirs);
        }
    };
    step::twice(&look, &l);
    CHECK(l.seen.shared > 3);
    subject::in_catch([](void* p) { step::twice(&look, p); }, &l);
    subject::with_alloca(200, [](void* p) { step::twice(&look, p); }, &l);
    subject::with_alloca(264, [](void* p) { step::twice(&look, p); }, &l);
}

TEST_CASE("unwinder: any registers to begin with end in a stack and not in a fault", "[unwind][unwinder]") {
    const auto u = make();
    std::uintptr_t here = reinterpret_cast<std::uintptr_t>(&here);
    std::uint64_t random = 88172645463325252u;
    const auto next = [&] { return random ^= random << 13, random ^= random >> 7, random ^= random << 17; };
    const auto code = reinterpret_cast<std::uintptr_t>(&qsort);
    for (int i = 0; i < 20000; ++i) {
        ashlar::unwind::registers r{code + next() % 200000, (here & ~std::uintptr_t{7}) + next() % 4096, here + next() % 4096};
        if (i % 5 == 0) r.sp = next();
        if (i % 7 == 0) r.fp = next();
        if (i % 11 == 0) r.pc = next();
        u->walk(r, 256);
        CHECK(u->size() <= unwinder::most);
    }
}

TEST_CASE("unwinder: a library that is loaded later, and one that is gone, are told apart", "[unwind][unwinder]") {
    const auto u = make();
    for (int i = 0; i < 3; ++i) {
        void* library = dlopen(UNWIND_LIBRARY, RTLD_NOW | RTLD_LOCAL);
        REQUIRE(library != nullptr);
        auto call = reinterpret_cast<void (*)(subject::visit, void*)>(dlsym(library, "call_back"));
        check_all(*u, call, 4);
        dlclose(library);
        ashlar::unwind::rules.forget_all();
    }
}

TEST_CASE("unwinder: after 256 modules have gone no rule of the first is believed", "[unwind][unwinder]") {
    const auto u = make();
    looking l{u.get(), {}};
    subject::recurse(3, &look, &l);
    const auto before = ashlar::unwind::rules.epoch();
    for (int i = 0; i < 256; ++i) ashlar::unwind::rules.forget_all();
    CHECK((ashlar::unwind::rules.epoch() & 0xFF) == (before & 0xFF));
    check_all(*u, [](auto v, void* p) { subject::recurse(3, v, p); }, 4);
}
