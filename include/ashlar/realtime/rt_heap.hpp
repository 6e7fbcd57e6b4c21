// ashlar/realtime/rt_heap.hpp - blocks of any size from one stretch of memory, in a number of instructions known beforehand.
//
// Layer:      realtime
// Source:     Masmano, Ripoll, Crespo, Real, "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004;
//             Ogasawara, "An algorithm with constant execution time for dynamic storage allocation", RTCSA 1995.
// Picture:    inside    [ size, before | live . . ][ size, before, next, previous | free . . ][ end ]     8 bytes a block
//             outside   table  [ size, before, . . ][ 0 ][ 0 ][ size, before, next, previous ] ...    16 bytes a unit
//                       memory [ live . . . . . . . . . . . ][ free . . . . . . . . . . . .  ] ...    never touched
// Complexity: every operation O(1): no loop but in reset, for_each_free and consistent. The worst of each in instructions:
//             realtime/worst_case.hpp, which also says how much memory a program can need.
// Failure:    refuses exactly when no free block is as long as the policy's searched_for the request; nothing has changed.
// Threads:    one at a time; share it through compose/locked.hpp with os/pi_mutex.hpp.
// Invariants: rt_heap.I1  blocks tile the units from the first to the end, each knows its own length and that of the one before
//             rt_heap.I2  no two neighbouring blocks are free
//             rt_heap.I3  a free block is in the list of its class, and in no other
//             rt_heap.I4  outside: the record of a unit where no block begins is 0
// Checked by: tests/realtime/rt_heap_test.cpp, tests/realtime/worst_case_test.cpp
//
// Lengths and links are numbers of units, not addresses, so the memory may be seen at different addresses. With headers
// outside it may be memory of a device or of another machine: this heap keeps the books and never reads or writes it; a
// free of what is not the start of a live block is then always found. Nothing is asked of the system, at any time.
// Long:       the operations of one structure, and the check of all its invariants.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/bit_scan.hpp"
#include "ashlar/foundation/poison.hpp"

namespace ashlar {

/// In which list a free block is, and from which on a request is served: tlsf, half_fit. Sizes count in steps of 16.
template <class F>
concept size_policy = requires(std::size_t n) {
    { F::class_of(n) } noexcept -> std::same_as<std::size_t>;
    { F::searched_for(n, n) } noexcept -> std::same_as<std::size_t>;
};

enum class headers : std::uint8_t { inside, outside };

/// Unit: what sizes are rounded up to, and the alignment that every block has. With headers outside it is what 16 bytes
/// of table are paid for.
template <size_policy Fit, headers Place = headers::inside, std::size_t Unit = 16>
class rt_heap {
    static_assert(is_power_of_two(Unit) && Unit >= 16 && (Place == headers::outside || Unit == 16));

    struct record {
        std::uint32_t size_and_state;  // twice the units, and 1 for a free block
        std::uint32_t before;          // units of the block in front
        std::uint32_t next;            // of its list; 0 for none
        std::uint32_t previous;
        std::uint32_t size() const noexcept { return size_and_state >> 1; }
        bool is_free() const noexcept { return (size_and_state & 1) != 0; }
    };
    static_assert(sizeof(record) == 16);

public:
    static constexpr bool is_outside = Place == headers::outside;
    static constexpr std::size_t unit = Unit;
    /// Bytes of a block that are not its user's.
    static constexpr std::size_t header = is_outside ? 0 : 8;
    /// Whether every block takes a power of two of units (at alignments up to Unit).
    static constexpr bool takes_powers = requires(std::size_t n) { Fit::rounded(n); };
    static constexpr std::uint32_t most_units = (std::uint32_t{1} << 31) - 2;

    /// @pre the memory outlives the heap; nobody else touches it meanwhile
    explicit rt_heap(block memory) noexcept
        requires(!is_outside)
    {
        // A block's user begins behind 8 bytes of its record, at a multiple of 16: so records begin 8 bytes in front.
        const std::size_t lead = padding_to(memory.data + 8, Unit);
        if (memory.size < lead + 3 * Unit + 8) return;
        begin_ = records_ = memory.data + lead;
        start(bounded((memory.size - lead) / Unit - 2));
    }
    /// The books of `memory` are kept in `table`. @pre both outlive the heap; nobody else touches the table
    rt_heap(block memory, block table) noexcept
        requires is_outside
    {
        const std::size_t lead = padding_to(memory.data, Unit), ahead = padding_to(table.data, alignof(record));
        if (memory.size < lead + Unit || table.size < ahead + 3 * sizeof(record)) return;
        begin_ = memory.data + lead - Unit;  // of unit 0, which is nobody's
        records_ = table.data + ahead;
        const std::size_t units = (memory.size - lead) / Unit, known = (table.size - ahead) / sizeof(record) - 2;
        start(bounded(units < known ? units : known));
    }
    rt_heap(const rt_heap&) = delete;
    rt_heap& operator=(const rt_heap&) = delete;
    ~rt_heap() { unpoison_all(); }

    /// What to give as table for so much memory. @returns bytes
    static constexpr std::size_t table_bytes(std::size_t memory_bytes) noexcept
        requires is_outside
    {
        return (memory_bytes / Unit + 2) * sizeof(record) + alignof(record);
    }
    /// Bytes of memory for so many units, wherever it begins.
    static constexpr std::size_t memory_bytes(std::size_t units) noexcept {
        return is_outside ? (units + 1) * Unit : (units + 3) * Unit;
    }
    /// Units that a block of so many bytes takes, at an alignment up to Unit. @pre size <= PTRDIFF_MAX
    static constexpr std::size_t units_for(std::size_t size) noexcept {
        const std::size_t whole = (size + header + Unit - 1) / Unit;
        if constexpr (takes_powers) return Fit::rounded(whole * 16) / 16;
        return whole;
    }
    /// The units from which on a free block is found for it. @pre as units_for
    static constexpr std::size_t units_sought(std::size_t units, std::size_t align) noexcept {
        return Fit::searched_for((align <= Unit ? units : units + align / Unit - 1) * 16, 16) / 16;
    }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::uint32_t need = fitting(l);
        const std::size_t in = need == 0 ? classes : find(need, l.align());
        if (in == classes) [[unlikely]] {
            ++refusals_;
            return alloc_error{};
        }
        std::uint32_t at = heads_[in], whole = at_(at).size();
        remove_first(in, at);
        set_poison<false>(at, whole);
        if (l.align() > Unit) at = skip_to_aligned(at, whole, l.align());
        return granted(at, whole, need);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        std::uint32_t at = number_of(p);
        ASHLAR_PRE(is_live(p, l));
        std::uint32_t size = at_(at).size();
        live_ -= size;
        const std::uint32_t behind = at + size, front = at - at_(at).before;
        if (const record& r = at_(behind); r.is_free()) {
            size += r.size();
            join(behind, r.size());
        }
        if (const record& r = at_(front); r.is_free()) {
            const std::uint32_t more = r.size();
            remove(front, more);
            if constexpr (is_outside) at_(at).size_and_state = 0;  // rt_heap.I4
            at = front;
            size += more;
        }
        put(at, size);
    }

    /// Takes what it needs from the block behind, if that is free and long enough.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() >= old.size() && now.align() == old.align());
        const std::uint32_t at = number_of(p), have = at_(at).size(), need = fitting(now);
        if (need == 0) return alloc_error{};
        if (need <= have) return block_of(at, have);
        const record behind = at_(at + have);
        if (!behind.is_free() || behind.size() < need - have) return alloc_error{};
        join(at + have, behind.size());
        live_ -= have;
        return granted(at, have + behind.size(), need);
    }
    /// Gives back what is no longer needed.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() <= old.size() && now.align() == old.align() && now.size() != 0);
        const std::uint32_t at = number_of(p), need = fitting(now);
        std::uint32_t whole = at_(at).size();
        live_ -= whole;
        if (const record behind = at_(at + whole); behind.is_free() && whole != need) {
            join(at + whole, behind.size());
            whole += behind.size();
        }
        return granted(at, whole, need);
    }
    /// Ends the life of every block. @complexity headers outside: O(units)
    void reset() noexcept {
        if (units_ != 0) start(units_);
    }

    bool available(layout l) const noexcept {
        const std::uint32_t need = fitting(l);
        return need != 0 && find(need, l.align()) != classes;
    }
    bool owns(const std::byte* p) const noexcept {
        return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin_ + Unit) < units_ * Unit;
    }
    template <class Visit>
    void for_each_free(Visit visit) const {
        for (std::uint32_t at = 1; at <= units_; at += at_(at).size()) {
            if (at_(at).is_free()) visit(block{begin_ + at * Unit, at_(at).size() * Unit});
        }
    }

    std::size_t capacity_units() const noexcept { return units_; }
    std::size_t live_units() const noexcept { return live_; }
    /// The most units that were live at once.
    std::size_t peak_units() const noexcept { return peak_; }
    /// How many requests were refused.
    std::size_t refusals() const noexcept { return refusals_; }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        if (units_ == 0) return true;
        std::uint32_t before = 1, live = 0, free_blocks = 0;
        bool was_free = false;
        for (std::uint32_t at = 1; at <= units_;) {
            const record& r = at_(at);
            if (r.size() == 0 || r.before != before || (was_free && r.is_free())) return false;  // rt_heap.I1, rt_heap.I2
            for (std::uint32_t in = 1; is_outside && in < r.size(); ++in) {
                if (at_(at + in).size_and_state != 0) return false;  // rt_heap.I4
            }
            was_free = r.is_free();
            (was_free ? free_blocks : live) += was_free ? 1 : r.size();
            before = r.size();
            at += r.size();
            if (at > units_ && at != units_ + 1) return false;
        }
        return at_(units_ + 1).before == before && live == live_ && lists_consistent(free_blocks);
    }

private:
    static constexpr std::size_t classes = align_up(Fit::class_of(std::size_t{most_units} * 16) + 1, std::size_t{64});
    static_assert(classes <= 64 * 64);
    static constexpr bool one_word = classes == 64;  // half_fit: no second level

    static constexpr std::uint64_t bit(std::size_t n) noexcept { return std::uint64_t{1} << n % 64; }
    static constexpr std::size_t class_of(std::uint32_t units) noexcept { return Fit::class_of(std::size_t{units} * 16); }
    static std::uint32_t bounded(std::size_t units) noexcept {
        return units < most_units ? static_cast<std::uint32_t>(units) : most_units;
    }
    record& at_(std::uint32_t number) const noexcept {
        return *reinterpret_cast<record*>(records_ + std::size_t{number} * sizeof(record));
    }
    std::byte* user_of(std::uint32_t at) const noexcept { return begin_ + std::size_t{at} * Unit + header; }
    std::uint32_t number_of(const std::byte* p) const noexcept {
        return static_cast<std::uint32_t>(static_cast<std::size_t>(p - begin_) / Unit);
    }
    block block_of(std::uint32_t at, std::uint32_t size) const noexcept {
        return {user_of(at), std::size_t{size} * Unit - header};
    }
    /// @returns the units that the layout needs; 0 if no block of this heap can be so long
    std::uint32_t fitting(layout l) const noexcept {
        const std::size_t most = std::size_t{units_} * Unit;
        if (l.size() > most || l.align() > most) [[unlikely]] return 0;
        return static_cast<std::uint32_t>(units_for(l.size()));
    }
    /// @returns the list whose first block to take; `classes` for none
    std::size_t find(std::uint32_t need, std::size_t align) const noexcept {
        const std::size_t sought = units_sought(need, align);
        if (sought > units_) [[unlikely]] return classes;
        const std::size_t in = Fit::class_of(sought * 16);
        if constexpr (one_word) {
            const std::uint64_t here = lists_[0] >> in;
            return here != 0 ? in + lowest_bit(here) : classes;
        }
        return first_set_from(in, words_, [this](std::size_t word) noexcept { return lists_[word]; }, classes);
    }

    /// Takes a free block from its list. Links to no block are those of unit 0, which is nobody's: no branch.
    void remove(std::uint32_t at, std::uint32_t size) noexcept {
        const record& r = at_(at);
        if (r.previous != 0) {
            at_(r.next).previous = r.previous;
            at_(r.previous).next = r.next;
        } else {
            remove_first(class_of(size), at);
        }
        set_poison<false>(at, size);
    }
    void remove_first(std::size_t in, std::uint32_t at) noexcept {
        const std::uint32_t next = at_(at).next;
        heads_[in] = next;
        at_(next).previous = 0;
        // No branch: whether a list ends cannot be foreseen, and every operation is to take as long as the worst.
        const std::uint64_t was_last = next == 0;
        const std::uint64_t others = lists_[in / 64] & ~(was_last << in % 64);
        lists_[in / 64] = others;
        if (!one_word && others == 0) words_ &= ~bit(in / 64);
    }
    /// Makes a free block of those units, whose neighbours are live. @post the block behind knows of it
    void put(std::uint32_t at, std::uint32_t size) noexcept {
        record& r = at_(at);
        const std::size_t in = class_of(size);
        const std::uint32_t head = heads_[in];
        r.size_and_state = size * 2 + 1;
        r.next = head;
        r.previous = 0;
        at_(head).previous = at;
        heads_[in] = at;
        lists_[in / 64] |= bit(in);
        if constexpr (!one_word) words_ |= bit(in / 64);
        at_(at + size).before = size;
        set_poison<true>(at, size);
    }
    /// The free block becomes part of the one in front of it.
    void join(std::uint32_t at, std::uint32_t size) noexcept {
        remove(at, size);
        if constexpr (is_outside) at_(at).size_and_state = 0;  // rt_heap.I4
    }
    /// Makes a live block of the first `need` of `whole` units; what is left over becomes free.
    block granted(std::uint32_t at, std::uint32_t whole, std::uint32_t need) noexcept {
        if (whole != need) {
            at_(at + need).before = need;
            put(at + need, whole - need);
        } else {
            at_(at + whole).before = whole;
        }
        at_(at).size_and_state = need * 2;
        live_ += need;
        peak_ = live_ > peak_ ? live_ : peak_;
        return block_of(at, need);
    }
    /// Leaves what is in front of the first aligned run as a free block. @returns the run's unit; whole is its length then
    [[gnu::noinline]] std::uint32_t skip_to_aligned(std::uint32_t at, std::uint32_t& whole, std::size_t align) noexcept {
        const auto gap = static_cast<std::uint32_t>(padding_to(user_of(at), align) / Unit);
        if (gap == 0) return at;
        put(at, gap);  // the one in front of it is live (rt_heap.I2)
        whole -= gap;
        return at + gap;
    }

    void start(std::uint32_t units) noexcept {
        unpoison_all();
        units_ = units;
        words_ = 0;
        std::memset(lists_, 0, sizeof lists_);
        std::memset(heads_, 0, sizeof heads_);
        live_ = peak_ = 0;
        refusals_ = 0;
        if constexpr (is_outside) std::memset(records_, 0, (std::size_t{units} + 2) * sizeof(record));
        at_(0) = {2, 0, 0, 0};  // live, so that nothing coalesces with it
        at_(1).before = 1;
        // Of the end's record only the half in front of its links is there.
        at_(units + 1).size_and_state = 2;
        put(1, units);
    }
    /// Whether p begins a live block that the layout fits, as far as the records tell.
    bool is_live(const std::byte* p, layout l) const noexcept {
        if (l.size() == 0 || !owns(p) || !is_aligned(static_cast<std::size_t>(p - begin_) - header, Unit)) return false;
        const std::uint32_t at = number_of(p), size = at_(at).size();
        if (at_(at).is_free() || size == 0 || size > units_ + 1 - at || at_(at + size).before != size) return false;
        return is_aligned(p, l.align()) && fitting(l) == size;
    }
    bool lists_consistent(std::uint32_t free_blocks) const noexcept {
        std::uint32_t listed = 0;
        for (std::size_t in = 0; in < classes; ++in) {
            if (((lists_[in / 64] & bit(in)) != 0) != (heads_[in] != 0)) return false;
            if (!one_word && ((words_ & bit(in / 64)) != 0) != (lists_[in / 64] != 0)) return false;
            std::uint32_t last = 0;
            for (std::uint32_t at = heads_[in]; at != 0; last = at, at = at_(at).next, ++listed) {
                if (!at_(at).is_free() || class_of(at_(at).size()) != in || at_(at).previous != last) return false;  // rt_heap.I3
            }
        }
        return listed == free_blocks;
    }
    /// Only what no record may be in; memory whose headers are outside is not this heap's to touch.
    template <bool Poisoned>
    void set_poison(std::uint32_t at, std::uint32_t size) const noexcept {
        if constexpr (!is_outside) {
            std::byte* const from = begin_ + std::size_t{at} * Unit + sizeof(record);
            const std::size_t bytes = std::size_t{size} * Unit - sizeof(record);
            if (bytes != 0) Poisoned ? poison(from, bytes) : unpoison(from, bytes);
        }
    }
    void unpoison_all() noexcept {
        if (!is_outside && units_ != 0) unpoison(begin_ + Unit, std::size_t{units_} * Unit);
    }

    std::byte* begin_ = nullptr;    ///< where unit 0 would begin
    std::byte* records_ = nullptr;  ///< the record of unit 0
    std::uint32_t units_ = 0;
    std::uint32_t live_ = 0;
    std::uint32_t peak_ = 0;
    std::size_t refusals_ = 0;
    std::uint64_t words_ = 0;
    std::uint64_t lists_[classes / 64] = {};
    std::uint32_t heads_[classes] = {};
};

}  // namespace ashlar
