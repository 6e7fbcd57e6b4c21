// attacks.hpp - what the programs of the attack suite have in common: a block among others, and what comes of it.
//
// A scene is a block `p` of `size` bytes with blocks of the same size granted before and after it. An attack misuses it;
// then the program goes on: frees, is granted more, looks at what it holds. `harm` is said the moment that it sees that
// what it holds was changed, or granted twice, or that it reads what it should not: a report after that comes late.
#pragma once

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>

namespace attacks {

using bytes = volatile unsigned char*;  // no access through it is left out
constexpr unsigned char mine = 0x3c, secret = 0x53;

inline bytes grant(std::size_t size) { return static_cast<bytes>(malloc(size)); }
inline void end(volatile void* p) { free(const_cast<void*>(p)); }
inline void fill(bytes p, std::size_t size, unsigned char with) {
    for (std::size_t i = 0; i < size; ++i) p[i] = with;
}
inline bool holds(bytes p, std::size_t size, unsigned char what) {
    std::size_t i = 0;
    while (i < size && p[i] == what) ++i;
    return i == size;
}

struct scene {
    static constexpr int count = 8;
    std::size_t size;
    bytes before[count], p, after[count];
    bool harmed = false;

    explicit scene(std::size_t bytes_each) : size(bytes_each) {
        for (bytes& b : before) fill(b = grant(size), size, mine);
        fill(p = grant(size), size, secret);
        for (bytes& b : after) fill(b = grant(size), size, mine);
    }
    void harm(bool so) {
        if (!so || harmed) return;
        harmed = true;
        if (write(1, "harmed\n", 7) != 7) _exit(9);
    }
    /// Whether what was found can be what p held: eight of its bytes in a row.
    void reads(bytes from, std::size_t many) {
        for (std::size_t i = 0; i + 8 <= many; i += 8) harm(holds(from + i, 8, secret));
    }
    /// Two blocks of this size overlap.
    void grants(int many) {
        static bytes got[64];
        for (int i = 0; i < many; ++i) fill(got[i] = grant(size), size, static_cast<unsigned char>(i + 1));
        for (int i = 0; i < many; ++i) harm(!holds(got[i], size, static_cast<unsigned char>(i + 1)));
        for (int i = 0; i < many; ++i) end(got[i]);
    }
    void look() {
        for (int i = 0; i < count; ++i) harm(!holds(before[i], size, mine) || !holds(after[i], size, mine));
    }
    /// More of the size than a list or a quarantine of a few holds, so that what was freed is used again or looked at.
    void churn() {
        const int many = size > 60'000 ? 80 : static_cast<int>((3u << 20) / size) + 80 > 9000 ? 9000 : static_cast<int>((3u << 20) / size) + 80;
        static bytes got[9000];
        for (int round = 0; round < 2; ++round) {
            for (int i = 0; i < many; ++i) got[i] = grant(size);
            for (int i = 0; i < many; ++i) end(got[i]);
        }
    }
    /// As a program goes on that noticed nothing: p is ended if it still is to be, then all others, then there are new ones.
    void go_on() {
        if (p != nullptr) end(p);
        look();
        for (int i = 0; i < count; ++i) end(before[i]);
        for (int i = 0; i < count; ++i) end(after[i]);
        grants(40);
        churn();
    }
    /// The attack has ended p, or given it away.
    bytes take() {
        bytes q = p;
        p = nullptr;
        return q;
    }
};

struct attack {
    const char* kind;
    const char* name;
    const char* found_by;  ///< for small, medium and large: the lowest tier that always finds it; '-' if none does
    void (*run)(scene&);
};

}  // namespace attacks
