// attacks KIND NAME SIZE - attacks the process's malloc once, in the way that NAME says, with blocks of SIZE bytes; without
// arguments it lists the attacks, as `KIND NAME FOUND_BY` (attacks.hpp).
//
// Long: the table of all attacks, whose kinds share what is on top.
//
// Ends with 0 when nothing stopped it. Compiled without optimisation: what is misused here, a compiler would leave out.
#include "attacks.hpp"

#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <new>
#include <thread>

using namespace attacks;

namespace {

unsigned char in_static[8192];
const char constant[64] = "a constant";

void flip(bytes at, std::size_t many) {
    for (std::size_t i = 0; i < many; ++i) at[i] = at[i] ^ 0x41;
}
void in_a_thread(void (*what)(void*), bytes p) { std::thread(what, const_cast<unsigned char*>(p)).join(); }
void* plain(bytes p) { return const_cast<unsigned char*>(p); }
void* at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }
std::uintptr_t word_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
void put_word(bytes where, std::uintptr_t word) { *reinterpret_cast<volatile std::uintptr_t*>(where) = word; }
/// A block that looks as glibc's do, in memory that is none of malloc's.
unsigned char* forged(unsigned char* memory, std::size_t size) {
    const std::size_t chunk = ((size + 8 + 15) & ~std::size_t{15}) < 32 ? 32 : (size + 8 + 15) & ~std::size_t{15};
    unsigned char* const block = memory + 16;
    put_word(block - 8, chunk | 1);
    if (chunk < 4096) put_word(block + chunk - 8, 0x21);
    return block;
}
/// What malloc grants after an attack on its lists must not be where the attacker chose.
void granted_at(scene& s, std::uintptr_t from, std::size_t many) {
    for (int i = 0; i < 40; ++i) s.harm(word_of(plain(grant(s.size))) - from < many);
}
void delete_with(scene& s, std::size_t said) {
    operator delete(plain(s.p), said);
    s.take();
}

const attack overflows[] = {
    {"overflow", "by-one", "111", [](scene& s) { flip(s.p + s.size, 1); }},
    {"overflow", "by-a-terminator", "111", [](scene& s) { s.p[s.size] = 0; }},
    {"overflow", "by-eight", "111", [](scene& s) { flip(s.p + s.size, 8); }},
    {"overflow", "by-sixteen", "111", [](scene& s) { flip(s.p + s.size, 16); }},
    {"overflow", "by-a-page", "111", [](scene& s) { flip(s.p + s.size, 4096 + 64); }},
    {"overflow", "then-realloc", "111", [](scene& s) {
        flip(s.p + s.size, 8);
        s.p = static_cast<bytes>(realloc(plain(s.p), s.size * 2));
    }},
    {"overflow", "of-an-aligned-block", "111", [](scene& s) {
        end(s.take());
        void* q = nullptr;
        if (posix_memalign(&q, 64, s.size) != 0) _exit(9);
        s.p = static_cast<bytes>(q);
        flip(s.p + s.size, 16);
    }},
    {"overflow", "of-calloc-s", "111", [](scene& s) {
        end(s.take());
        s.p = static_cast<bytes>(calloc(1, s.size));
        flip(s.p + s.size, 16);
    }},
    {"overflow", "of-what-stays", "---", [](scene& s) { flip(s.take() + s.size, 16); }},
    {"overflow", "read", "-11", [](scene& s) {
        fill(s.after[0], s.size, secret);
        s.reads(s.p + ((s.size + 15) & ~std::size_t{15}), 256);
        fill(s.after[0], s.size, mine);
    }},
};
const attack underflows[] = {
    {"underflow", "by-one", "112", [](scene& s) { flip(s.p - 1, 1); }},
    {"underflow", "by-eight", "112", [](scene& s) { flip(s.p - 8, 8); }},
    {"underflow", "by-sixteen", "-12", [](scene& s) { flip(s.p - 16, 16); }},
    {"underflow", "read", "-12", [](scene& s) {
        for (bytes b : s.before) fill(b, s.size, secret);
        s.reads(s.p - 64, 64);
        for (bytes b : s.before) fill(b, s.size, mine);
    }},
};
const attack doubles[] = {
    {"double free", "at-once", "000", [](scene& s) {
        end(s.p);
        end(s.take());
    }},
    {"double free", "after-another", "000", [](scene& s) {
        end(s.p);
        end(s.after[0]);
        end(s.take());
        fill(s.after[0] = grant(s.size), s.size, mine);
    }},
    {"double free", "after-eight", "000", [](scene& s) {
        end(s.p);
        for (bytes b : s.after) end(b);
        end(s.take());
        for (bytes& b : s.after) fill(b = grant(s.size), s.size, mine);
    }},
    {"double free", "by-a-thread", "000", [](scene& s) {
        std::atomic<bool> freed{false};  // the thread is there before, lest what it needs be granted in the place of p
        std::thread other([&] {
            while (!freed) sched_yield();
            end(s.p);
        });
        end(s.p);
        freed = true;
        other.join();
        s.take();
    }},
    {"double free", "after-a-thread-s", "000", [](scene& s) {
        in_a_thread(free, s.p);
        end(s.take());
    }},
    {"double free", "with-delete", "000", [](scene& s) {
        bytes const q = static_cast<bytes>(operator new(s.size));
        operator delete(plain(q));
        operator delete(plain(q));
    }},
    {"double free", "of-what-realloc-moved", "000", [](scene& s) {
        bytes const old = s.p;
        s.p = static_cast<bytes>(realloc(plain(s.p), s.size * 4 + 400));
        if (s.p != old) end(old);
    }},
    {"double free", "by-realloc", "000", [](scene& s) {
        end(s.p);
        s.p = static_cast<bytes>(realloc(plain(s.take()), s.size));
    }},
    {"double free", "of-an-aligned-block", "000", [](scene& s) {
        bytes const q = static_cast<bytes>(aligned_alloc(256, (s.size + 255) & ~std::size_t{255}));
        end(q);
        end(q);
    }},
    {"double free", "of-what-is-granted-again", "012", [](scene& s) {
        end(s.p);
        bytes const q = grant(s.size);
        fill(q, s.size, mine);
        end(s.take());
        bytes const r = grant(s.size);
        fill(r, s.size, secret);
        s.harm(!holds(q, s.size, mine));
    }},
};
const attack interiors[] = {
    {"interior free", "by-one", "000", [](scene& s) { end(s.p + 1); }},
    {"interior free", "by-eight", "000", [](scene& s) { if (s.size > 8) end(s.p + 8); else end(s.p + 4); }},
    {"interior free", "by-sixteen", "000", [](scene& s) { end(s.size > 16 ? s.p + 16 : s.p + 7); }},
    {"interior free", "in-the-middle", "000", [](scene& s) { end(s.p + s.size / 2); }},
    {"interior free", "near-the-end", "000", [](scene& s) { end(s.p + s.size - (s.size > 16 ? 16 : 2)); }},
    {"interior free", "by-a-thread", "000", [](scene& s) { in_a_thread(free, s.p + s.size / 2); }},
    {"interior free", "with-delete", "000", [](scene& s) { operator delete(plain(s.p + s.size / 2)); }},
    {"interior free", "of-an-aligned-block", "000", [](scene& s) {
        end(static_cast<bytes>(aligned_alloc(256, 256 + ((s.size + 255) & ~std::size_t{255}))) + 256);
    }},
    {"interior free", "realloc", "000", [](scene& s) { s.harm(realloc(plain(s.p + s.size / 2), s.size * 2) != nullptr); }},
    {"interior free", "of-a-forged-block", "000", [](scene& s) {
        bytes const q = grant(s.size * 2 + 256);
        bytes const inside = forged(static_cast<unsigned char*>(plain(q)), s.size);
        end(inside);
        granted_at(s, word_of(plain(q)), s.size);
    }},
};
const attack foreigners[] = {
    {"foreign free", "of-the-stack", "000", [](scene& s) {
        unsigned char on_stack[4096];
        end(on_stack + 64);
        granted_at(s, word_of(on_stack), sizeof on_stack);
    }},
    {"foreign free", "of-another-stack", "000", [](scene& s) {
        static unsigned char* theirs = nullptr;
        std::thread other([] {
            unsigned char on_stack[256];
            theirs = on_stack + 64;
            std::thread([] { free(theirs); }).join();
        });
        other.join();
    }},
    {"foreign free", "of-a-static", "000", [](scene& s) { end(in_static + 64); }},
    {"foreign free", "of-a-constant", "000", [](scene& s) { free(const_cast<char*>(constant)); }},
    {"foreign free", "of-code", "000", [](scene& s) { free(reinterpret_cast<void*>(&delete_with)); }},
    {"foreign free", "of-a-mapping", "000", [](scene& s) {
        free(mmap(nullptr, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    }},
    {"foreign free", "of-a-small-number", "000", [](scene& s) { free(at(0x10)); }},
    {"foreign free", "of-a-wild-address", "000", [](scene& s) { free(at(0x7e0000000010)); }},
    {"foreign free", "of-no-address", "000", [](scene& s) { free(at(0xffff800000000010)); }},
    {"foreign free", "of-the-end", "011", [](scene& s) { end(s.p + s.size); }},
    {"foreign free", "of-what-the-block-holds", "000", [](scene& s) { free(at(word_of(*reinterpret_cast<void* volatile*>(plain(s.p))))); }},
    {"foreign free", "of-a-forged-block", "000", [](scene& s) {
        end(forged(in_static, s.size));
        granted_at(s, word_of(in_static), sizeof in_static);
    }},
    {"foreign free", "realloc-of-a-static", "000", [](scene& s) { s.harm(realloc(in_static + 64, s.size * 2) != nullptr); }},
    {"foreign free", "delete-of-a-static", "000", [](scene& s) { operator delete(in_static + 64); }},
};
const attack after_free[] = {
    {"write after free", "first-word", "122", [](scene& s) {
        end(s.p);
        flip(s.take(), 8);
    }},
    {"write after free", "first-byte", "122", [](scene& s) {
        end(s.p);
        flip(s.take(), 1);
    }},
    {"write after free", "last-byte", "122", [](scene& s) {
        end(s.p);
        flip(s.take() + s.size - 1, 1);
    }},
    {"write after free", "middle", "122", [](scene& s) {
        end(s.p);
        flip(s.take() + s.size / 2, 4);
    }},
    {"write after free", "all-of-it", "122", [](scene& s) {
        end(s.p);
        fill(s.take(), s.size, 0x41);
    }},
    {"write after free", "of-what-realloc-moved", "122", [](scene& s) {
        bytes const old = s.p;
        s.p = static_cast<bytes>(realloc(plain(s.p), s.size * 4 + 400));
        if (s.p != old) flip(old + s.size / 2, 4);
    }},
    {"write after free", "into-the-next-owner-s", "122", [](scene& s) {
        end(s.p);
        bytes const q = grant(s.size);
        fill(q, s.size, mine);
        flip(s.take() + s.size / 2, 4);
        s.harm(!holds(q, s.size, mine));
        end(q);
    }},
    {"read after free", "at-once", "022", [](scene& s) {
        end(s.p);
        s.reads(s.take(), s.size);
    }},
    {"read after free", "after-another", "022", [](scene& s) {
        end(s.p);
        end(s.after[0]);
        s.reads(s.take(), s.size);
        fill(s.after[0] = grant(s.size), s.size, mine);
    }},
    {"read after free", "of-the-next-owner-s", "012", [](scene& s) {
        fill(s.p, s.size, 0);
        end(s.p);
        bytes const q = grant(s.size);
        fill(q, s.size, secret);
        s.reads(s.take(), s.size);
        end(q);
    }},
};
const attack leaks[] = {
    {"uninitialised leak", "malloc", "022", [](scene& s) {
        end(s.take());
        for (int i = 0; i < 40; ++i) s.reads(grant(s.size), s.size);
    }},
    {"uninitialised leak", "aligned", "022", [](scene& s) {
        end(s.take());
        for (int i = 0; i < 40; ++i) s.reads(static_cast<bytes>(aligned_alloc(16, (s.size + 15) & ~std::size_t{15})), s.size);
    }},
    {"uninitialised leak", "what-realloc-adds", "012", [](scene& s) {
        fill(s.after[0], s.size, secret);
        end(s.after[0]);
        end(s.take());
        bytes const q = grant(s.size / 2);
        fill(q, s.size / 2, mine);
        bytes const r = static_cast<bytes>(realloc(plain(q), s.size));
        s.reads(r + s.size / 2, s.size / 2);
        fill(s.after[0] = grant(s.size), s.size, mine);
    }},
    {"uninitialised leak", "the-heap-s-addresses", "000", [](scene& s) {
        for (bytes b : s.after) end(b);
        end(s.take());
        for (bytes& b : s.after) {
            b = grant(s.size);
            const std::uintptr_t word = *reinterpret_cast<volatile std::uintptr_t*>(b);
            s.harm(word - word_of(plain(b)) + (1u << 26) < (1u << 27));
            fill(b, s.size, mine);
        }
    }},
};
const attack confusions[] = {
    {"size confusion", "delete-too-small", "000", [](scene& s) { delete_with(s, s.size / 3 + (s.size < 16 ? 30 : 0)); }},
    {"size confusion", "delete-too-large", "000", [](scene& s) { delete_with(s, s.size * 3 + 100); }},
    {"size confusion", "delete-one-too-large", "100", [](scene& s) { delete_with(s, s.size + 1); }},
    {"size confusion", "delete-of-nothing", "100", [](scene& s) { delete_with(s, 1); }},
    {"size confusion", "delete-of-everything", "000", [](scene& s) { delete_with(s, PTRDIFF_MAX); }},
    {"size confusion", "aligned-delete", "000", [](scene& s) {
        operator delete(plain(s.take()), s.size * 3 + 100, std::align_val_t{64});
    }},
    {"size confusion", "realloc-of-the-end", "011", [](scene& s) { s.harm(realloc(plain(s.p + s.size), s.size) != nullptr); }},
    {"size confusion", "usable-size-of-the-inside", "000", [](scene& s) { s.harm(malloc_usable_size(plain(s.p + s.size / 2)) != 0); }},
    {"size confusion", "usable-size-of-a-static", "000", [](scene& s) { s.harm(malloc_usable_size(in_static + 64) != 0); }},
};
const attack metadata[] = {
    {"metadata", "link-to-a-static", "102", [](scene& s) {
        end(s.p);
        put_word(s.take(), word_of(in_static + 64));
        granted_at(s, word_of(in_static), sizeof in_static);
    }},
    {"metadata", "link-into-a-live-block", "102", [](scene& s) {
        end(s.p);
        put_word(s.take(), word_of(plain(s.after[0])));
        granted_at(s, word_of(plain(s.after[0])), s.size);
    }},
    {"metadata", "links-both-ways", "102", [](scene& s) {
        end(s.p);
        put_word(s.p, word_of(in_static + 64));
        if (s.size > 8) put_word(s.p + 8, word_of(in_static + 64));
        s.take();
        granted_at(s, word_of(in_static), sizeof in_static);
    }},
    {"metadata", "the-mark-of-the-freed", "000", [](scene& s) {
        end(s.p);
        put_word(s.p, 0);
        if (s.size > 8) put_word(s.p + 8, 0);
        end(s.take());
    }},
    {"metadata", "header-before-a-live-block", "112", [](scene& s) { put_word(s.p - 8, 0x191); }},
    {"metadata", "header-of-the-next-block", "111", [](scene& s) {
        put_word(s.p + ((s.size + 7) & ~std::size_t{7}), s.size * 2 + 0x31);
        if (s.size > 8) put_word(s.p + ((s.size + 15) & ~std::size_t{15}) + 8, s.size * 2 + 0x31);
    }},
};

template <class Run>
void every(Run run) {
    for (const attack& a : overflows) run(a);
    for (const attack& a : underflows) run(a);
    for (const attack& a : doubles) run(a);
    for (const attack& a : interiors) run(a);
    for (const attack& a : foreigners) run(a);
    for (const attack& a : after_free) run(a);
    for (const attack& a : leaks) run(a);
    for (const attack& a : confusions) run(a);
    for (const attack& a : metadata) run(a);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 1) {
        every([](const attack& a) { printf("%s\t%s\t%s\n", a.kind, a.name, a.found_by); });
        return 0;
    }
    if (argc != 4) return 9;
    scene s(static_cast<std::size_t>(atol(argv[3])));
    bool known = strcmp(argv[1], "none") == 0;
    every([&](const attack& a) {
        if (strcmp(a.kind, argv[1]) != 0 || strcmp(a.name, argv[2]) != 0) return;
        known = true;
        a.run(s);
    });
    if (!known) return 9;
    s.go_on();
    _exit(0);
}
