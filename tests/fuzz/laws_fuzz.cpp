// tests/fuzz/laws_fuzz.cpp - any bytes are a client of some composition, and it keeps every law under the model's eyes.
//
// Byte 0 chooses the composition, byte 1 where its memory lies and which upstream request is refused (0: none); the rest is
// the client's script (ashlar/testing/script.hpp). A broken law is told with its list of operations, and aborts.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "ashlar/compose/affix.hpp"
#include "ashlar/compose/cached.hpp"
#include "ashlar/compose/fallback.hpp"
#include "ashlar/compose/guarded.hpp"
#include "ashlar/compose/limited.hpp"
#include "ashlar/compose/segregate.hpp"
#include "ashlar/compose/thread_cached.hpp"
#include "ashlar/compose/tracked.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/buddy.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/pool.hpp"
#include "ashlar/strategy/segregated.hpp"
#include "ashlar/strategy/slab.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "ashlar/testing/run.hpp"

using namespace ashlar;
using testing::erased;
using testing::ground;

namespace {

using source = ground::upstream_type;
using best = free_list<best_fit, source>;
using two_levels = free_list<tlsf, source>;

/// A strategy on the ground and an adaptor on it.
template <class Below, class Top>
struct on {
    template <class... Options>
    explicit on(Options&&... options) : below(options...), it(below) {}
    auto& top() { return it; }
    Below below;
    Top it;
};
struct shared_heap : best {  // said to be safe for threads: here there is one only
    static constexpr bool is_thread_safe = true;
    using best::best;
};
struct limited_affix {
    explicit limited_affix(ground& g) : heap(g.upstream(), 4096), dressed(heap), it(dressed, {.bytes = 100'000, .blocks = 40}) {}
    auto& top() { return it; }
    two_levels heap;
    affix<int, long, two_levels> dressed;
    limited<affix<int, long, two_levels>> it;
};
struct buffer_then_classes {
    explicit buffer_then_classes(ground& g) : front(g.buffer(5000, 16)), classes(g.upstream()), it(front, classes) {}
    auto& top() { return it; }
    bump front;
    segregated<source> classes;
    fallback<bump, segregated<source>> it;
};
struct by_size {
    explicit by_size(ground& g) : small(g.upstream()), medium(g.upstream()), large(g.upstream(), 1 << 14), it(small, medium, large) {}
    auto& top() { return it; }
    pool<112, 16, source> small;
    slab<512, 16, source> medium;
    buddy<source> large;
    segregate<up_to<112, pool<112, 16, source>>, up_to<512, slab<512, 16, source>>, buddy<source>> it;
};

struct composition {
    const char* name;
    erased (*make)(ground&);
    bool gives_back_before_it_refuses;  // which C6 does not allow: excused
};
template <class Whole, std::size_t... Region>
erased make(ground& g) {
    return erased::of([&] { return Whole(g.upstream(), Region...); }, false);
}
template <class Whole>
erased make_whole(ground& g) {
    return erased::of([&] { return Whole(g); }, false);
}
constexpr composition all[] = {
    {"cached<best_fit>", &make<on<best, cached<best, 4, 512>>, 4096>, true},
    {"thread_cached<best_fit>", &make<on<shared_heap, thread_cached<shared_heap, 4, 512>>, 4096>, true},
    {"tracked<buddy>", &make<on<buddy<source>, tracked<buddy<source>, live_bytes, size_histogram>>, 1 << 14>, false},
    {"guarded<tlsf>", &make<on<two_levels, guarded<two_levels, 3>>, 4096>, false},
    {"limited<affix<tlsf>>", &make_whole<limited_affix>, false},
    {"fallback<bump, segregated>", &make_whole<buffer_then_classes>, false},
    {"segregate<pool, slab, buddy>", &make_whole<by_size>, false},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const composition& chosen = all[data[0] % std::size(all)];
    testing::circumstances given;
    given.where = (data[1] & 1) != 0 ? testing::placement::highest : testing::placement::lowest;
    given.how = (data[1] & 2) != 0 ? failure::from_then_on : failure::once;
    given.refuse_at = data[1] >> 2;
    testing::claims<erased> stated;
    if (chosen.gives_back_before_it_refuses) testing::excuse(testing::law::strong_failure, "what is kept goes back first")(stated);
    const auto script = testing::decode(std::span(data + 2, size - 2));
    const auto make = [&](ground& g) { return chosen.make(g); };
    if (testing::run(make, stated, script, given).log.clean()) return 0;
    std::vector<std::string> told;
    const auto seen = testing::run(make, stated, script, given, &told);  // once more, in words
    for (const testing::violation& v : seen.log.violations()) {
        std::fprintf(stderr, "%s breaks %s: %s\n", chosen.name, testing::text_of(v.broken).name.data(), v.what.c_str());
    }
    for (const std::string& line : told) std::fprintf(stderr, "    %s\n", line.c_str());
    std::abort();
}
