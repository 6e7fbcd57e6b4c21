// tests/fuzz/free_list_fuzz.cpp - the sequential fits and TLSF under their one skeleton, against a list of the free gaps between live blocks.
//
// Claimed after each step: every byte of a region is in a live block or in one free block that touches no other; a request is
// granted from the free blocks if and only if one is enough by the strategy's condition, and from just the block that the
// strategy names; what is live keeps its bytes; with nothing live each region is one block again.
#include <algorithm>
#include <optional>
#include <type_traits>
#include <vector>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/first_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/half_fit.hpp"
#include "ashlar/strategy/next_fit.hpp"
#include "ashlar/strategy/tlsf.hpp"
#include "blocks.hpp"

using namespace ashlar;
using testing::interval_set;
using testing::range;

namespace {

template <class Fit>
class client {
public:
    explicit client(std::size_t region) : heap_(ground_.upstream(), region) {}

    void act(fuzz::bytes& b) {
        const std::size_t way = b.below(32);
        const layout l = fuzz::any_layout(b);  // what is chosen is chosen in this order, whatever the compiler
        if (live_.all().empty() || way < 14) allocate(l);
        else if (way < 22) deallocate(live_.any(b), l.size());
        else if (way < 27) resize_in_place(live_.any(b), 1 + l.size() % 2000);
        else if (way < 29) move(live_.any(b), l);
        else if (way == 29) trim();
        else if (way == 30) ground_.refuse(l.size() % 4, l.align() == 1 ? failure::from_then_on : failure::once);
        else if (l.align() == 1) reset();
        compare();
    }
    void finish() {
        while (!live_.all().empty()) deallocate(live_.all().begin(), 0);
        compare();
        REQUIRE(free_.size() == ground_.managed().count());
        trim();
        REQUIRE(!ground_.still_held());
        REQUIRE(!ground_.damage());
    }

private:
    using node = typename Fit::node;
    static constexpr std::size_t least = sizeof(node) == 16 ? 16 : align_up(sizeof(node) + 8, std::size_t{16});

    static constexpr std::size_t most = std::size_t{1} << 40;  ///< beyond it nothing is free, and searched_for has no answer

    static std::size_t needed(std::size_t size) {
        const std::size_t whole = std::max(align_up(size, std::size_t{16}), least);
        if constexpr (std::is_same_v<Fit, half_fit>) return bit_ceil(whole);
        return whole;
    }
    static fit_request request(layout l) { return {needed(l.size()), std::max(l.align(), std::size_t{16}), least}; }
    static std::size_t gap(const block& f, const fit_request& r) { return r.gap(f.data); }

    /// The free block that the strategy must take, or one that is as good to it; none where it must find none.
    std::optional<block> expected(const fit_request& r) const {
        std::optional<block> best;
        for (const block& f : free_) {
            bool fits = gap(f, r) <= f.size && r.need <= f.size - gap(f, r), better = !best;
            if constexpr (std::is_same_v<Fit, best_fit>) better = !best || f.size < best->size;
            if constexpr (std::is_same_v<Fit, next_fit>) better = !best || (best->data < rover_ && f.data >= rover_);
            if constexpr (std::is_same_v<Fit, tlsf> || std::is_same_v<Fit, half_fit>) {
                fits = r.need <= most && f.size >= Fit::searched_for(r.need, r.align);
                better = !best || Fit::class_of(f.size) < Fit::class_of(best->size);
            }
            if (fits && better) best = f;
        }
        return best;
    }
    static bool as_good(const block& taken, const block& named) {
        if constexpr (std::is_same_v<Fit, best_fit>) return taken.size == named.size;
        if constexpr (std::is_same_v<Fit, tlsf> || std::is_same_v<Fit, half_fit>) return Fit::class_of(taken.size) == Fit::class_of(named.size);
        return taken.data == named.data;
    }
    void granted(block b, layout l, const std::optional<block>& named, std::size_t grants) {
        const fit_request r = request(l);
        REQUIRE(b.size >= r.need && b.size - r.need < least);
        live_.add(b, l);
        if (!named) {
            new_block_ = b.data;
            return REQUIRE(ground_.grants() != grants);
        }
        REQUIRE(ground_.grants() == grants);
        const auto taken = std::find_if(free_.begin(), free_.end(), [&](const block& f) { return f.data <= b.data && b.end() <= f.end(); });
        REQUIRE(taken != free_.end() && as_good(*taken, *named));
        REQUIRE(b.data == taken->data + gap(*taken, r));
        rover_ = taken->data;
    }
    /// What is searched for is enough, and no more than the strategy says beyond it.
    static void check_searched(const fit_request& r) {
        const std::size_t longest = r.align == 16 ? r.need : r.need + r.align - 16;
        if (r.need > most) return;
        if constexpr (std::is_same_v<Fit, tlsf>) REQUIRE(Fit::searched_for(r.need, r.align) >= longest && Fit::searched_for(r.need, r.align) <= longest + longest / 32);
        if constexpr (std::is_same_v<Fit, half_fit>) REQUIRE(Fit::searched_for(r.need, r.align) >= longest && Fit::searched_for(r.need, r.align) < 2 * longest);
    }
    void allocate(layout l) {
        check_searched(request(l));
        const auto named = expected(request(l));
        const bool available = std::as_const(heap_).available(l);
        const std::size_t grants = ground_.grants(), refusals = ground_.refusals();
        const auto given = heap_.allocate(l);
        REQUIRE(!named || (available && given.has_value()));  // C4
        REQUIRE(given.has_value() == available || ground_.refusals() != refusals);  // a planned refusal is foretold of one request
        if (given) granted(*given, l, named, grants);
    }
    void deallocate(fuzz::live_blocks::map::iterator at, std::size_t more) {
        std::byte* const p = at->first;
        const auto was = live_.remove(at);
        // Any layout from what was asked to what was granted fits.
        heap_.deallocate(p, *layout::make(was.asked.size() + more % (was.size - was.asked.size() + 1), was.asked.align()));
    }
    void resize_in_place(fuzz::live_blocks::map::iterator at, std::size_t size) {
        const auto [p, was] = *at;
        const layout now = *layout::make(size, was.asked.align());
        const bool grows = size >= was.asked.size();
        std::size_t room = was.size;
        for (const block& f : free_) room += f.data == p + was.size ? f.size : 0;
        const auto done = grows ? heap_.grow_in_place(p, was.asked, now) : heap_.shrink_in_place(p, was.asked, now);
        REQUIRE(done.has_value() == (!grows || needed(size) <= room));
        if (!done) return;
        REQUIRE(done->data == p && done->size >= needed(size));
        live_.remove(at, std::min(done->size, was.size));
        live_.add(*done, now);
    }
    /// Reallocation: in place, or a new block, the bytes copied, the old block given back.
    void move(fuzz::live_blocks::map::iterator at, layout l) {
        const auto [p, was] = *at;
        const layout now = *layout::make(l.size(), was.asked.align());
        const std::size_t kept = std::min(now.size(), was.asked.size()), refusals = ground_.refusals();
        const auto named = expected(request(now));
        const auto done = reallocate(heap_, p, was.asked, now, kept);
        REQUIRE(done || !named);
        if (!done) return REQUIRE(ground_.refusals() != refusals || !std::as_const(heap_).available(now));
        for (std::size_t i = 0; i < kept; ++i) REQUIRE(done->data[i] == std::byte{was.fill});
        if (done->data != p && named) rover_ = named->data;
        else if (done->data != p) new_block_ = done->data;
        live_.all().erase(at);
        live_.add(*done, now);
    }
    void trim() {
        heap_.trim();
        compare();
        managed_.for_each([&](range r) {
            const auto first = live_.all().lower_bound(reinterpret_cast<std::byte*>(r.begin));
            REQUIRE(first != live_.all().end() && testing::address_of(first->first) < r.end);
        });
    }
    void reset() {
        heap_.reset();
        live_.all().clear();
        rover_ = nullptr;
        REQUIRE(ground_.managed().empty());
    }

    void compare() {
        REQUIRE(heap_.consistent());
        free_.clear();
        interval_set all = live_.extents(), gaps;
        heap_.for_each_free([&](block f) {
            REQUIRE(!all.meets(testing::range_of(f)));
            REQUIRE(free_.empty() || free_.back().end() <= f.data);
            free_.push_back(f);
            gaps.insert(testing::range_of(f));
        });
        REQUIRE(gaps.count() == free_.size());  // free_list.I2
        gaps.for_each([&](range r) { all.insert(r); });
        if (new_block_ != nullptr) {  // cut from a whole new region
            rover_ = reinterpret_cast<const std::byte*>(all.around(testing::address_of(new_block_)).begin);
            new_block_ = nullptr;
        }
        if (ground_.managed() == managed_) return REQUIRE(all == blocks_);  // C3
        managed_ = ground_.managed();
        blocks_ = all;
        REQUIRE(all.count() == managed_.count());
        all.for_each([&](range r) {
            const range of = managed_.around(r.begin);
            REQUIRE(of.contains(r) && of.size() - r.size() <= 128 + of.size() / 64);
        });
    }

    testing::ground ground_{std::size_t{3} << 15};
    free_list<Fit, testing::ground::upstream_type> heap_;
    fuzz::live_blocks live_;
    std::vector<block> free_;
    interval_set managed_, blocks_;
    const std::byte* rover_ = nullptr;      ///< of next fit: the free block that was cut last
    const std::byte* new_block_ = nullptr;  ///< granted in a region that was not there before
};

template <class Fit>
void play(fuzz::bytes& b) {
    client<Fit> c(std::size_t{512} << b.below(7));
    for (std::size_t n = 0; !b.empty() && n < 400; ++n) c.act(b);
    c.finish();
}

}  // namespace

void fuzz::interpret(bytes b) {
    switch (b.below(5)) {
        case 0: return play<first_fit>(b);
        case 1: return play<next_fit>(b);
        case 2: return play<best_fit>(b);
        case 3: return play<tlsf>(b);
        default: return play<half_fit>(b);
    }
}
