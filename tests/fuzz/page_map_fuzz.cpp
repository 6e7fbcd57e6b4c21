// tests/fuzz/page_map_fuzz.cpp - ranges recorded and forgotten all over the addresses, against a std::map from slice to record.
#include <array>
#include <map>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/os/page_map.hpp"
#include "bytes.hpp"

using namespace ashlar;

namespace {

struct record {
    std::size_t number;
};
std::byte* at(std::uint64_t address) { return reinterpret_cast<std::byte*>(address); }

class client {
public:
    void act(fuzz::bytes& b) {
        const std::uint64_t slice = slice_of(b);
        const std::size_t most = b.one_in(8) ? 300 : 12, count = 1 + b.below(most);
        switch (b.below(8)) {
            case 0: return clear(slice, count);
            case 1: return pages_.fail(os::page_call::reserve, 1 + b.below(3));
            case 2: return pages_.fail(os::page_call::commit, 1 + b.below(3));
            case 3: return look((slice << 16) | b.below(1 << 16));
            default: set(slice, count, b.below(records.size()));
        }
    }
    void finish() {
        for (const auto& [slice, number] : recorded_) look(slice << 16);
        for (std::uint64_t border = 0; border != 32; ++border) look((border << 43) - 1), look(border << 43);
        map_.destroy(pages_);
        REQUIRE(pages_.balanced());
        for (const auto& [slice, number] : recorded_) REQUIRE(map_.find(slice << 16)->number == 0);
    }

private:
    /// Near the borders of leaves, of the map, and of what was recorded; or anywhere, also where a map has nothing.
    std::uint64_t slice_of(fuzz::bytes& b) {
        constexpr std::array<std::uint64_t, 8> corners{0x10, 0x10000, 0x20000, 0x1234'0000, 0x7fff'0000, 0xffff'0000, 0xffff'ffff, 0x1'0000'0000};
        const std::size_t way = b.below(10);
        if (way == 9) return b.word() >> 16;
        if (way == 8 && !recorded_.empty()) return std::next(recorded_.begin(), static_cast<std::ptrdiff_t>(b.below(recorded_.size())))->first;
        const std::uint64_t corner = corners[way % 8];
        const std::size_t less = b.below(16);
        return corner > less ? corner - less : corner;
    }
    void set(std::uint64_t slice, std::size_t count, std::size_t number) {
        const bool done = map_.set(pages_, at(slice << 16), count, &records[number]);
        const bool covered = slice + count <= std::uint64_t{1} << 32;
        REQUIRE(covered || !done);
        REQUIRE(done || !covered || pages_.refusals() != refusals_);
        refusals_ = pages_.refusals();
        if (done) {
            for (std::uint64_t s = slice; s != slice + count; ++s) recorded_[s] = number;
        }
        around(slice, count);
    }
    void clear(std::uint64_t slice, std::size_t count) {
        for (std::uint64_t s = slice; s != slice + count; ++s) {
            if (recorded_.erase(s) != 0) map_.clear(at(s << 16), 1);  // what was not recorded must not be cleared
        }
        around(slice, count);
    }
    /// Every slice, by its first byte, its last one and one between, and a slice on either side.
    void around(std::uint64_t slice, std::size_t count) {
        for (std::uint64_t s = slice - 1; s != slice + count + 1; ++s) {
            for (const std::uint64_t into : {0x0000u, 0xffffu, 0x8001u}) look((s << 16) | into);
        }
    }
    void look(std::uint64_t address) {
        const auto found = recorded_.find(address >> 16 & 0xffff'ffff);  // page_map.I1: by the low 48 bits
        const record* const said = map_.find(address);
        REQUIRE(said->number == (found == recorded_.end() ? 0 : records[found->second].number));
        REQUIRE(found == recorded_.end() || said == &records[found->second]);
    }

    static constexpr std::array<record, 5> records{{{1}, {2}, {3}, {4}, {5}}};
    static inline os::page_map<record> map_;  // a megabyte; every client leaves it as it was
    os::failing_pages<> pages_;
    std::size_t refusals_ = 0;
    std::map<std::uint64_t, std::size_t> recorded_;
};

}  // namespace

void fuzz::interpret(bytes b) {
    client c;
    while (!b.empty()) c.act(b);
    c.finish();
}
