#include "unwinder.hpp"

#include <cstring>

#include "code_module.hpp"

namespace ashlar::unwind {
namespace {

constinit std::uintptr_t own_begin = 0, own_bytes = 0;  // of code that is left out

/// Other functions' memory, which sanitizers would not have us read.
[[gnu::no_sanitize_address, gnu::no_sanitize_thread]] std::uintptr_t word_at(std::uintptr_t address) noexcept {
    return *reinterpret_cast<const volatile std::uintptr_t*>(address);
}

/// Where the parts of a ucontext stand that matter, on x86-64.
constexpr std::uintptr_t saved_fp = 120, saved_sp = 160, saved_ip = 168;

}  // namespace

void unwinder::leave_out(std::uintptr_t begin, std::uintptr_t end) noexcept {
    own_begin = begin;
    own_bytes = end - begin;
}

/// The first code of a program or of the loader may have no table, or one that does not say that it is the first.
unwinder::outcome unwinder::no_way_out(const state& s) const noexcept {
    return memory_.at_top(s.sp) ? outcome::bottom : outcome::lost;
}

[[gnu::always_inline]] inline unwinder::outcome unwinder::leave(state& s, frame& f, std::uintptr_t cfa) noexcept {
    // Callers lie above their callees; unwinder.I1.
    if (cfa <= s.sp || !memory_.covers(cfa - 8)) [[unlikely]] return no_way_out(s);
    s.ip = word_at(cfa - 8);
    s.sp = cfa;
    s.interrupted = false;
    f.restores_fp = s.fp_in != 0;
    return s.ip != 0 ? outcome::stepped : outcome::bottom;
}

[[gnu::always_inline]] inline unwinder::outcome unwinder::step(const rule_cache::view& known, state& s, frame& f) noexcept {
    f.uses_fp = f.restores_fp = false;
    const rule r = known.find(s.interrupted ? s.ip : s.ip - 1);  // a call may be a function's last instruction
    s.fp_in = 0;
    std::uintptr_t cfa;
    if (r.kind == rule_kind::from_sp) [[likely]] {
        cfa = s.sp + static_cast<std::uintptr_t>(std::intptr_t{r.offset});
    } else if (r.kind == rule_kind::from_fp) {
        cfa = s.fp + static_cast<std::uintptr_t>(std::intptr_t{r.offset});
        f.uses_fp = true;
    } else {
        state copied = s;  // whose address is taken: s itself stays in registers
        const outcome o = step_further(copied, f, r);
        s = copied;
        return o;
    }
    if (r.fp_at != 0) {
        const std::uintptr_t at = cfa + static_cast<std::uintptr_t>(std::intptr_t{r.fp_at} * 8);
        if (!memory_.covers(at)) [[unlikely]] return outcome::lost;
        s.fp = word_at(at);
        s.fp_in = at;
    }
    return leave(s, f, cfa);
}

unwinder::outcome unwinder::step_further(state& s, frame& f, rule r) noexcept {
    switch (r.kind) {
        case rule_kind::bottom: return outcome::bottom;
        case rule_kind::signal: return step_by_signal(s);
        case rule_kind::through_fp: {
            const std::uintptr_t at = s.fp + static_cast<std::uintptr_t>(std::intptr_t{r.offset});
            const std::uintptr_t fp = s.fp + static_cast<std::uintptr_t>(std::intptr_t{r.fp_at} * 8);
            if (!memory_.covers(at) || !memory_.covers(fp)) return outcome::lost;
            // Where the stack was realigned, its frame is found by one more word, which nobody compares: no sharing.
            not_comparable_ = true;
            f.uses_fp = true;
            const std::uintptr_t cfa = word_at(at);
            s.fp = word_at(fp);
            s.fp_in = fp;
            return leave(s, f, cfa);
        }
        default: return step_by_frame_pointer(s, f);
    }
}

unwinder::outcome unwinder::step_by_signal(state& s) noexcept {
    if (!memory_.covers(s.sp + saved_fp) || !memory_.covers(s.sp + saved_ip)) return outcome::lost;
    not_comparable_ = true;
    const std::uintptr_t context = s.sp;
    s.ip = word_at(context + saved_ip);
    s.fp = word_at(context + saved_fp);
    s.sp = word_at(context + saved_sp);
    s.interrupted = true;
    memory_.begin(s.sp);  // the handler may have had a stack of its own
    return s.ip != 0 ? outcome::stepped : outcome::bottom;
}

/// Follows frame pointers until one leads to a module's code. @returns whether one does
bool unwinder::leads_to_module(std::uintptr_t fp) noexcept {
    code_module module;
    for (unsigned frames = 0; frames < 64; ++frames) {
        const std::uintptr_t outer = word_at(fp), ip = word_at(fp + 8);
        if (ip == 0) return false;
        if (find_module(ip - 1, module)) {
            chain_end_ = fp;
            return true;
        }
        if (outer <= fp || !memory_.covers(outer) || !memory_.covers(outer + 8)) return false;
        fp = outer;
    }
    return false;
}

unwinder::outcome unwinder::step_by_frame_pointer(state& s, frame& f) noexcept {
    const std::uintptr_t fp = s.fp;
    if (fp < s.sp || !memory_.covers(fp) || !memory_.covers(fp + 8)) return no_way_out(s);
    // Without a table the register may hold anything. It is believed if it leads to a module's code, through frames of such
    // code each further out than the one before; which is looked at once for all of them.
    if (fp > chain_end_ && !leads_to_module(fp)) return no_way_out(s);
    f.uses_fp = true;
    s.fp = word_at(fp);
    s.fp_in = fp;
    return leave(s, f, fp + 16);
}

/// Steps out of the code that is left out. @returns false if there is nothing outside of it
bool unwinder::leave_own_code(const rule_cache::view& known, state& s) noexcept {
    frame ignored;
    while (s.ip - own_begin < own_bytes) [[unlikely]] {
        if (step(known, s, ignored) != outcome::stepped) return false;
    }
    return true;
}

/// @returns the number of old frames up to and including one that s is in, or of those that may still be met
[[gnu::always_inline]] inline std::size_t unwinder::meet(const state& s, std::size_t from) const noexcept {
    while (from != 0 && frames_[from - 1].sp < s.sp) --from;
    return from;
}

/// @returns 0 if all frames outside of frames_[from] are as they were, or the number of those outside of the first change
std::size_t unwinder::first_untrue(std::size_t from) const noexcept {
    for (std::size_t i = from; i-- > 0;) {
        const frame& f = frames_[i];
        if (word_at(f.sp - 8) != f.ip) return i + 1;
        if (f.fp_matters && f.fp_in != 0 && word_at(f.fp_in) != f.fp) return i + 1;
    }
    return 0;
}

/// Takes frames_[to .. from] over into fresh_, and leaves s in the outermost of them.
void unwinder::copy_true(state& s, std::size_t from, std::size_t to, std::size_t& fresh) noexcept {
    for (std::size_t i = from + 1; i-- > to && fresh < most;) {
        frame f = frames_[i];
        if (i != from) {  // the first one is s itself
            if (f.fp_in != 0) s.fp = word_at(f.fp_in);
            s.fp_in = f.fp_in;
        }
        s.ip = f.ip;
        s.sp = f.sp;
        f.fp = s.fp;
        f.fp_in = s.fp_in;
        *fresh_at(fresh++) = f;
    }
}

namespace {
struct counted_at_end {
    const std::size_t& from;
    std::size_t& to;
    ~counted_at_end() { to = from; }
};
}  // namespace

/// Walks outwards, noting frames in fresh_, until an old frame is met from which on all is as it was: then shared_ is set.
/// @returns whether the outermost frame was found, or the end is the old one
bool unwinder::go(const rule_cache::view known, state s, std::size_t old, std::size_t& fresh_count) noexcept {
    std::size_t fresh = 0;
    const counted_at_end keep{fresh, fresh_count};
    for (unsigned meetings = 0; fresh < most;) {
        old = meet(s, old);
        if (old != 0) {
            frame& f = frames_[old - 1];
            if (f.sp == s.sp && f.ip == s.ip && (!f.fp_matters || f.fp == s.fp)) {
                const std::size_t untrue = first_untrue(old - 1);
                if (untrue == 0) {
                    f.fp_in = s.fp_in;
                    f.fp = s.fp;
                    // unwinder.I2
                    shared_ = old;
                    return true;
                }
                state copied = s;
                std::size_t count = fresh;
                copy_true(copied, old - 1, untrue, count);
                s = copied;
                fresh = count;
                old = ++meetings < 8 ? untrue : 0;
                if (fresh == most) break;
                const outcome o = step(known, s, *fresh_at(fresh - 1));
                if (o != outcome::stepped) return cut_ = o == outcome::lost, true;
                continue;
            }
        }
        frame& f = *fresh_at(fresh++);
        f.sp = s.sp;
        f.ip = s.interrupted ? s.ip + 1 : s.ip;
        f.fp = s.fp;
        f.fp_in = s.fp_in;
        const outcome o = step(known, s, f);
        if (o != outcome::stepped) return cut_ = o == outcome::lost, true;
    }
    cut_ = cut_by_most_ = true;
    return false;
}

void unwinder::settle(std::size_t fresh) noexcept {
    if (fresh == 0) {
        size_ = shared_;
        return;
    }
    if (fresh + shared_ > most) {  // the outermost go
        const std::size_t drop = fresh + shared_ - most;
        std::memmove(static_cast<void*>(frames_), frames_ + drop, (shared_ - drop) * sizeof(frame));
        size_ = shared_ - drop;
        shared_ = 0;
        cut_ = cut_by_most_ = true;
    } else {
        size_ = shared_;
    }
    // They stand at the end of fresh_ in the order in which they are wanted.
    std::memcpy(static_cast<void*>(frames_ + size_), fresh_at(fresh - 1), fresh * sizeof(frame));
    bool matters = size_ != 0 && frames_[size_ - 1].fp_matters;
    for (std::size_t end = size_ + fresh; size_ != end; ++size_) {
        frame& f = frames_[size_];
        f.fp_matters = matters = f.uses_fp || (!f.restores_fp && matters);
    }
}

void unwinder::walk(registers from, std::size_t enough) noexcept {
    if constexpr (!is_supported) {
        frames_[0] = {from.sp, from.pc, 0, 0, 0, false, false, false};
        size_ = 1;
        shared_ = 0;
        cut_ = true;
        return;
    }
    state s{from.pc, from.sp, from.fp};
    const bool own_stack = memory_.begin(s.sp);
    not_comparable_ = false;
    chain_end_ = 0;
    const rule_cache::view known(rules);
    if (!leave_own_code(known, s)) {
        size_ = shared_ = 0;
        cut_ = true;
        return;
    }
    const std::size_t old = own_stack && comparable_ ? size_ : 0;
    const bool was_cut = cut_, was_cut_by_most = cut_by_most_;
    for (bool again = old != 0;; again = false) {
        std::size_t fresh = 0;
        shared_ = 0;
        cut_ = cut_by_most_ = false;
        go(known, s, again ? old : 0, fresh);
        if (shared_ != 0) {
            cut_ = was_cut;
            cut_by_most_ = was_cut_by_most;
            if (cut_by_most_ && fresh + shared_ < enough) continue;  // what was beyond the end is wanted now
        }
        settle(fresh);
        break;
    }
    comparable_ = own_stack && !not_comparable_;
}

}  // namespace ashlar::unwind
