// Theorems about the searches of bit_scan.hpp, in bitmaps of which nothing is known, the indices of page_map.hpp,
// the tags of malloc/span.hpp and the buckets of realtime/latency_histogram.hpp.
#include "symbolic.hpp"

#include "ashlar/foundation/bit_scan.hpp"
#include "ashlar/malloc/span.hpp"
#include "ashlar/os/page_map.hpp"
#include "ashlar/realtime/latency_histogram.hpp"

using namespace proof;

namespace {

const symbol zero(0), one(1);

symbol bit_of(const symbol& word, const symbol& number) {
    return symbol(z3::lshr(word.expression(), number.expression())) & one;
}

/// A bitmap of 4096 bits and its summary. The precondition is about every word, and said of each that is read: a bit
/// of the summary is set if and only if its word is not 0.
struct any_bitmap {
    symbol summary = any("summary");
    z3::func_decl words = [] {
        z3::context& context = explorer::current().context;
        return context.function("word", context.bv_sort(64), context.bv_sort(64));
    }();
    symbol operator()(const symbol& i) const {
        const symbol word(words(i.expression()));
        assume(same(bit_of(summary, i) == one, word != zero));
        return word;
    }
    truth is_set(const symbol& i) const { return bit_of((*this)(shr(i, symbol(6))), i & symbol(63)) == one; }
};

void first_set() {
    const any_bitmap bitmap;
    const symbol from = any_below("from", 4096), other = any_below("other", 4096);
    const symbol found = ashlar::first_set_from(from, bitmap.summary, bitmap, symbol(4096));
    assume(both(from <= other, bitmap.is_set(other)));
    show(found <= other, "no set bit lies in front of what is found, and one is found where there is one");
}

void first_set_is_set() {
    const any_bitmap bitmap;
    const symbol from = any_below("from", 4096), none(4096);
    const symbol found = ashlar::first_set_from(from, bitmap.summary, bitmap, none);
    if (found == none) return;
    show(both(found < none, found >= from), "what is found is in the bitmap, and not in front of where the search begins");
    show(bitmap.is_set(found), "and it is set");
}

void runs() {
    const symbol bits = any("bits");
    for (std::size_t n = 1; n <= 64; ++n) {
        const symbol starts = ashlar::runs_of_set(bits, n);
        symbol each = bits;  // bit i: bits i to i + n - 1 are set, one after another
        for (std::size_t i = 1; i < n; ++i) each = each & symbol(z3::lshr(bits.expression(), static_cast<int>(i)));
        show(starts == each, "a bit for each run of n, for n from 1 to 64");
    }
}

void multiples() {
    for (std::uint64_t log = 0; log < 64; ++log) {
        const symbol marked = ashlar::multiples_of(symbol(std::uint64_t{1} << log));
        std::uint64_t right = 0;
        for (std::uint64_t i = 0; i < 64; i += log < 6 ? std::uint64_t{1} << log : 64) right |= std::uint64_t{1} << i;
        show(marked == symbol(right), "a bit for each multiple");
    }
}

void page_map() {
    const symbol address = any("address"), slice = shr(address, symbol(16));
    const symbol i = ashlar::os::root_index(slice), j = ashlar::os::leaf_index(slice);
    show(both(i < symbol(65536), j < symbol(65536)), "page_map.I1: the indices are in range whatever the address");
    const symbol rebuilt = shl(i, symbol(32)) | shl(j, symbol(16)) | (address & symbol(0xffff));
    show(rebuilt == (address & symbol((std::uint64_t{1} << 48) - 1)), "they are the address, but for its offset in the slice");
    // What `set` and `clear` write for the slices of an address that the map may hold.
    assume(address < symbol(std::uint64_t{1} << 48));
    show(both(shr(slice, symbol(16)) == i, (slice & symbol(0xffff)) == j), "where set and clear write, find reads");
    const symbol other = any_below("other", std::uint64_t{1} << 48), its = shr(other, symbol(16));
    assume(both(ashlar::os::root_index(its) == i, ashlar::os::leaf_index(its) == j));
    show(its == slice, "two slices have two places");
}

void page_map_leaves() {
    const symbol first = any_below("first", std::uint64_t{1} << 32), count = any_below("count", std::uint64_t{1} << 32);
    const symbol k = any("k");
    assume(both(k < count, first + count <= symbol(std::uint64_t{1} << 32)));
    const symbol i = ashlar::os::root_index(first + k), last = shr(first + count - one, symbol(16));
    show(both(shr(first, symbol(16)) <= i, i <= last), "set makes the leaf of every slice before it writes one");
}

void span_tag() {
    using span = ashlar::malloc::span<ashlar::std_atomics>;
    const std::uint64_t words = std::uint64_t{1} << 32;
    const symbol heap = any_below("heap", words - 1), asking = any_below("asking heap", words - 1);
    const symbol magic = any_below("magic", words), product = any_below("offset * magic", words);
    const symbol open = span::open_tag(heap, magic), closed = span::open_tag(heap, zero);
    const auto serves = [&](const symbol& tag) { return shr(tag + product, symbol(32)) == asking; };
    show(implies(magic != zero, same(both(heap == asking, product < magic), both(serves(open), heap == asking))),
         "an open span serves its heap if and only if the product is below the magic: at a block's beginning");
    show(implies(serves(open), either(heap == asking, asking == heap + one)),
         "to any other heap it looks like its own only by the next number");
    show(implies(both((heap & one) == zero, (asking & one) == zero), no(serves(closed))),
         "closed it serves none: the numbers of threads' heaps are even, and the sum carries the next");
}

void histogram() {
    using buckets = ashlar::latency_histogram;
    const symbol value = any("value"), most(buckets::most()), bucket = buckets::bucket_of<symbol>(value);
    const symbol counted = min(value, most);
    show(bucket < symbol(buckets::buckets), "the bucket exists");
    const symbol least = buckets::least_of<symbol>(bucket), greatest = buckets::most_of<symbol>(bucket);
    show(both(least <= counted, counted <= greatest), "it is one that the value lies in");
    show((greatest - least) * symbol(buckets::steps) <= least, "no wider than a 32nd of what it begins with");
}

}  // namespace

int main(int count, char** words) {
    const theorem theorems[] = {
        {"first_set", first_set, by::functions}, {"first_set_is_set", first_set_is_set, by::functions},
        {"runs", runs}, {"multiples", multiples}, {"page_map", page_map}, {"page_map_leaves", page_map_leaves},
        {"span_tag", span_tag}, {"histogram", histogram},
    };
    return prove(theorems, count, words);
}
