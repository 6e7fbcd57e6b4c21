// tests/testing/specimen.hpp - a plain heap that keeps every law, and can be given any of a list of bugs.
//
// Long: a heap with every ability, and forty bugs, in one place.
// Its books are outside the memory it grants, so each bug does what its name says and nothing else.
#pragma once

#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "ashlar/testing/ground.hpp"

namespace ashlar::tests {

using testing::address;
using testing::address_of;
using testing::range;
using testing::range_of;
using testing::interval_set;

enum class bug : std::uint8_t {
    none,
    overlapping_blocks,
    aligns_the_offset,
    ignores_alignment,
    grants_too_little,
    wraps_huge_sizes,
    grants_from_returned_memory,
    writes_past_a_block_on_free,
    writes_past_its_memory,
    writes_before_its_memory,
    writes_into_returned_memory,
    moves_a_neighbour_on_growth,
    walks_a_live_block,
    walks_out_of_order,
    keeps_memory_at_its_end,
    forgets_to_coalesce,
    looks_at_the_first_range_only,
    refuses_exact_fits,
    available_says_yes,
    available_says_no,
    available_forgets_alignment,
    ignores_misuse,
    leaks_upstream_on_refusal,
    refusal_splits_a_range,
    refused_growth_takes_bytes,
    refused_shrinking_gives_bytes,
    loses_the_tail_on_free,
    loses_padding,
    gives_up_after_a_refusal,
    depends_on_the_address,
    growth_overlaps_a_neighbour,
    growth_moves_the_block,
    growth_clears_the_block,
    shrinking_clears_the_block,
    shrinking_moves_the_block,
    reallocate_loses_a_byte,
    reallocate_refused_loses_the_block,
    zeroed_but_the_last_byte,
    owns_nothing,
    owns_everything,
    reset_forgets_a_block,
    breaks_its_own_contract,
};

class specimen {
public:
    using upstream_type = testing::ground::upstream_type;
    static constexpr std::size_t least_chunk = 4096;

    explicit specimen(upstream_type& upstream, bug b = bug::none) : upstream_(upstream), bug_(b) {
        if (bug_ == bug::keeps_memory_at_its_end) static_cast<void>(upstream_.allocate(*layout::make(64, 16)));
    }
    specimen(const specimen&) = delete;
    specimen& operator=(const specimen&) = delete;
    ~specimen() {
        while (!chunks_.empty()) give_up(chunks_.begin());
    }

    result<block> allocate(layout l) noexcept {
        if (bug_ == bug::gives_up_after_a_refusal && refused_once_) return alloc_error{};
        if (bug_ == bug::wraps_huge_sizes && l.size() + 8192 > layout::max_size) l = *l.resized(16);
        range place = find(l);
        if (place.size() == 0) {
            if (bug_ == bug::refusal_splits_a_range && !free_.empty()) spoil_free_range();
            place = expand(l);
            if (place.size() == 0) {
                refused_once_ = true;
                return alloc_error{};
            }
        }
        if (bug_ == bug::ignores_alignment) place = testing::place_in(free_.around(place.begin), *layout::make(l.size(), 1));
        if (bug_ == bug::grants_from_returned_memory && last_returned_.size() >= l.size()) {
            place = {last_returned_.begin, last_returned_.begin + l.size()};
        }
        take(place, l);
        if (bug_ == bug::grants_too_little && place.size() > 100) place.end -= 1;
        return block{pointer(place.begin), place.size()};
    }

    void deallocate(std::byte* p, layout l) noexcept {
        const auto it = live_.find(address_of(p));
        if (it == live_.end()) {
            ASHLAR_PRE(bug_ == bug::ignores_misuse && "starts a live block");
            return;
        }
        ASHLAR_PRE(bug_ == bug::ignores_misuse || (it->second.align == l.align() && it->second.asked <= l.size()));
        range r = it->second.extent;
        live_.erase(it);
        if (bug_ == bug::writes_past_a_block_on_free) scribble(r.end);
        if (bug_ == bug::loses_the_tail_on_free && r.size() > 16) r.end -= 8;
        if (bug_ == bug::forgets_to_coalesce) scars_.insert(r.begin);
        free_.insert(r);
        ASHLAR_PRE(bug_ != bug::breaks_its_own_contract || free_.count() < 3);
        shed();
    }

    result<block> grow_in_place(std::byte* p, layout, layout now) noexcept {
        const auto it = live_.find(address_of(p));
        range r = it->second.extent;
        const range wanted{r.begin, r.begin + now.size()};
        if (wanted.end <= r.end) return granted(it, r, now);
        const bool fits = free_.contains({r.end, wanted.end});
        if (!fits && bug_ == bug::refused_growth_takes_bytes) free_.erase({r.end, r.end + 8});
        if (!fits && !(bug_ == bug::growth_overlaps_a_neighbour && now.size() < 512)) return alloc_error{};
        if (bug_ == bug::moves_a_neighbour_on_growth && std::next(it) != live_.end()) scribble(std::next(it)->first);
        free_.erase({r.end, wanted.end});
        if (bug_ == bug::growth_clears_the_block) std::memset(p, 0, now.size());
        if (bug_ == bug::growth_moves_the_block) return block{p + 1, now.size()};
        return granted(it, wanted, now);
    }
    result<block> shrink_in_place(std::byte* p, layout, layout now) noexcept {
        const auto it = live_.find(address_of(p));
        const range r = it->second.extent;
        if (now.size() % 16 != 0) {
            if (bug_ == bug::refused_shrinking_gives_bytes) free_.insert({r.end - 1, r.end});
            return alloc_error{};
        }
        free_.insert({r.begin + now.size(), r.end});
        if (bug_ == bug::shrinking_clears_the_block) std::memset(p, 0, now.size());
        if (bug_ == bug::shrinking_moves_the_block) return block{p + 1, now.size()};
        return granted(it, {r.begin, r.begin + now.size()}, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
        if (bug_ == bug::reallocate_refused_loses_the_block) std::memset(p, 0, old.size());
        const auto moved = allocate(now);
        if (!moved) return moved;
        std::memcpy(moved->data, p, live_bytes - (bug_ == bug::reallocate_loses_a_byte && live_bytes > 40 ? 1 : 0));
        deallocate(p, old);
        return moved;
    }
    result<block> allocate_zeroed(layout l) noexcept {
        const auto r = allocate(l);
        if (r) std::memset(r->data, 0, l.size() - (bug_ == bug::zeroed_but_the_last_byte ? 1 : 0));
        return r;
    }

    bool available(layout l) const noexcept {
        if (bug_ == bug::available_says_yes) return true;
        if (bug_ == bug::available_says_no) return false;
        if (bug_ == bug::available_forgets_alignment) l = *layout::make(l.size(), 1);
        if (find(l).size() != 0) return true;
        const auto chunk = chunk_for(l);
        return chunk && !dislikes_its_place() && upstream_.available(*chunk);
    }
    bool owns(const std::byte* p) const noexcept {
        if (bug_ == bug::owns_nothing) return false;
        if (bug_ == bug::owns_everything) return true;
        return managed().contains(range_of(p, 1));
    }
    void reset() noexcept {
        const auto kept = live_.empty() ? range{} : live_.begin()->second.extent;
        for (const auto& [begin, b] : live_) free_.insert(b.extent);
        live_.clear();
        if (bug_ == bug::reset_forgets_a_block && kept.size() != 0) {
            free_.erase(kept);
            live_.emplace(kept.begin, entry{kept, 1, 1});
        }
        shed();
    }
    template <class Visit>
    void for_each_free(Visit visit) const {
        if (bug_ == bug::walks_a_live_block && !live_.empty()) visit(block{pointer(live_.begin()->first), 1});
        std::vector<range> all;
        free_.for_each([&](range r) { all.push_back(r); });
        if (bug_ == bug::overlapping_blocks) {  // it believes its own books
            interval_set honest = free_;
            for (const auto& [begin, b] : live_) honest.erase(b.extent);
            all.clear();
            honest.for_each([&](range r) { all.push_back(r); });
        }
        if (bug_ == bug::walks_out_of_order) all = {all.rbegin(), all.rend()};
        for (const range r : all) visit(block{pointer(r.begin), r.size()});
    }

private:
    struct entry {
        range extent;
        std::size_t asked;
        std::size_t align;
    };
    using chunk_map = std::map<address, layout>;

    static std::byte* pointer(address a) { return reinterpret_cast<std::byte*>(a); }
    static void scribble(address a) { *pointer(a) ^= std::byte{0xff}; }

    static result<layout> chunk_for(layout l) noexcept {
        return layout::make(l.size() > least_chunk ? l.size() : least_chunk, l.align());
    }
    range find(layout l) const {
        range found;
        bool first = true;
        free_.for_each([&](range r) {
            if (found.size() != 0 || (bug_ == bug::looks_at_the_first_range_only && !first)) return;
            first = false;
            range run = r;
            // A scar is a place where two ranges should have been made one.
            for (const address scar : scars_) {
                if (scar > run.begin && scar < run.end) run.end = scar;
            }
            range place = testing::place_in(run, l);
            if (bug_ == bug::refuses_exact_fits && place.size() == run.size()) place = {};
            if (bug_ == bug::aligns_the_offset && run.size() >= l.size()) place = {run.begin, run.begin + l.size()};
            found = place;
        });
        return found;
    }
    range expand(layout l) {
        if (dislikes_its_place()) return {};
        const auto chunk = chunk_for(l);
        const auto r = chunk ? upstream_.allocate(*chunk) : result<block>(alloc_error{});
        if (!r) return {};
        if (bug_ == bug::leaks_upstream_on_refusal) {  // a second request, for books, whose refusal forgets the first
            const auto books = upstream_.allocate(*layout::make(64, 8));
            if (!books) {
                lost_.push_back({r->data, *chunk});
                return {};
            }
            upstream_.deallocate(books->data, *layout::make(64, 8));
        }
        last_chunk_ = address_of(r->data);
        if (chunks_.empty()) first_chunk_ = last_chunk_;
        chunks_.emplace(last_chunk_, *chunk);
        free_.insert(range_of(*r));
        if (bug_ == bug::writes_past_its_memory) scribble(address_of(r->end()));
        if (bug_ == bug::writes_before_its_memory) scribble(address_of(r->data) - 1);
        return testing::place_in(range_of(*r), l);
    }
    bool dislikes_its_place() const {
        return bug_ == bug::depends_on_the_address && chunks_.size() > 2 && last_chunk_ < first_chunk_;
    }
    /// Chunks that are wholly free go back to the upstream.
    void shed() {
        for (auto it = chunks_.begin(); it != chunks_.end();) {
            const auto next = std::next(it);
            if (free_.contains({it->first, it->first + it->second.size()})) give_up(it);
            it = next;
        }
    }
    void give_up(chunk_map::iterator it) {
        const range r{it->first, it->first + it->second.size()};
        free_.erase(r);
        upstream_.deallocate(pointer(r.begin), it->second);
        chunks_.erase(it);
        last_returned_ = r;
        std::erase_if(scars_, [&](address a) { return r.contains({a, a + 1}); });
        if (bug_ == bug::writes_into_returned_memory) scribble(r.begin);
    }
    interval_set managed() const {
        interval_set all;
        for (const auto& [begin, l] : chunks_) all.insert({begin, begin + l.size()});
        return all;
    }
    void take(range place, layout l) {
        const range around = free_.around(place.begin);
        live_.insert_or_assign(place.begin, entry{place, l.size(), l.align()});
        if (bug_ == bug::overlapping_blocks && place.size() > 32) place.end -= 16;
        if (bug_ == bug::loses_padding && around.size() != 0) place.begin = around.begin;
        free_.erase(place);
    }
    void spoil_free_range() {
        const range r = free_.around(first_free());
        free_.erase({r.begin, r.begin + 1});
    }
    address first_free() const {
        address first = 0;
        free_.for_each([&](range r) { first = first == 0 ? r.begin : first; });
        return first;
    }
    template <class It>
    result<block> granted(It it, range r, layout now) {
        it->second = {r, now.size(), now.align()};
        return block{pointer(r.begin), r.size()};
    }

    struct forgotten {
        std::byte* data;
        layout as;
    };
    upstream_type& upstream_;
    bug bug_;
    chunk_map chunks_;
    interval_set free_;
    std::map<address, entry> live_;
    std::set<address> scars_;
    std::vector<forgotten> lost_;
    range last_returned_;
    bool refused_once_ = false;
    address first_chunk_ = 0;
    address last_chunk_ = 0;
};

}  // namespace ashlar::tests
