// ashlar/realtime/rt_region.hpp - memory that is all there before it is needed: touched, locked, guarded.
//
// Layer:      realtime
// Source:     mlock(2), "Notes" (what a real-time program does before its loop); Linux MADV_POPULATE_WRITE.
// Picture:    [ guard | memory, every page of it present and locked . . . . . . . . | guard ]
// Complexity: the constructor makes a handful of system calls and touches every page; after that, until the destructor,
//             none is made.
// Failure:    ready() is false where the memory could not be had; locked() where it could not be locked: the region is then
//             usable, and report() says in one sentence what to change.
// Threads:    one at a time; its memory is the user's.
// Invariants: rt_region.I1  the system is asked by the constructor, by seal and by the destructor, and by nothing else
// Checked by: tests/realtime/rt_region_test.cpp
//
// Build allocators on memory() (rt_heap, the pools, bump): they take no memory from elsewhere. seal() then ends the
// preparations of the thread that will run: its stack is touched too, and its page faults are counted from there on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/layout.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/os/page_source.hpp"
#include "ashlar/os/pinning.hpp"

namespace ashlar {

struct region_options {
    bool lock = true;              ///< keep it in memory
    bool huge_pages = false;       ///< back it with huge pages where possible: fewer entries of the TLB
    bool guards = true;            ///< a page on either side faults
    int node = -1;                 ///< take it from that NUMA node; -1: from any
    std::size_t stack = 64 << 10;  ///< bytes of the sealing thread's stack to touch
};

template <os::page_source Pages = os::system_pages, os::pinning Pinning = os::system_pinning>
class basic_rt_region {
public:
    /// @pre bytes != 0
    explicit basic_rt_region(std::size_t bytes, region_options wanted = {}, ref<Pages> pages = {}) noexcept
        requires stateless<Pages>
        : basic_rt_region(pages, bytes, wanted) {}
    basic_rt_region(ref<Pages> pages, std::size_t bytes, region_options wanted = {}) noexcept
        : pages_(pages), options_(wanted) {
        ASHLAR_PRE(bytes != 0);
        const std::size_t page = pages_->page_size(), huge = wanted.huge_pages ? os::huge_page_size() : 0;
        const std::size_t unit = huge > page ? huge : page;
        const bool thinkable = bytes <= layout::max_size - 4 * unit;
        const std::size_t size = thinkable ? align_up(bytes, unit) : bytes, guard = wanted.guards ? unit : 0;
        const auto granted = thinkable ? pages_->reserve(size + 2 * guard, unit) : result<block>(alloc_error{});
        memory_.size = size;  // for the sentence
        if (!granted) say("could not be reserved: the address space is limited (ulimit -v) or used up.");
        if (granted) reserved_ = *granted;
        if (granted) memory_.data = granted->data + guard;
        if (!granted || !prepare()) give_back();
    }
    basic_rt_region(const basic_rt_region&) = delete;
    basic_rt_region& operator=(const basic_rt_region&) = delete;
    ~basic_rt_region() { give_back(); }

    /// Whether the memory is there.
    bool ready() const noexcept { return memory_.data != nullptr; }
    bool locked() const noexcept { return ready() && locking_ == os::locking::locked; }
    bool sealed() const noexcept { return sealed_; }
    /// All of it; empty where it could not be had. The options' rounding may have made it longer than asked for.
    block memory() const noexcept { return memory_; }
    /// One sentence about what is not as it was wanted; empty if all is.
    std::string_view report() const noexcept { return {report_, report_length_}; }

    /// Touches the stack of the calling thread and begins to count its page faults. To be called when all else is made.
    void seal() noexcept {
        touch_stack(options_.stack);  // rt_region.I1: the last that may ask for anything
        at_seal_ = os::thread_faults();
        sealed_ = true;
    }
    /// Page faults of the thread that calls, which is the one that sealed, since it did. @pre sealed()
    os::fault_counts faults_since_seal() const noexcept {
        ASHLAR_PRE(sealed_);
        const os::fault_counts now = os::thread_faults();
        return {now.minor - at_seal_.minor, now.major - at_seal_.major};
    }

private:
    bool prepare() noexcept {
        std::byte* const p = memory_.data;
        const std::size_t n = memory_.size;
        if (!pages_->commit(p, n)) {
            say("could not be committed: no memory is left to promise.");
            return false;
        }
        if (options_.huge_pages && !pages_->advise(p, n, os::advice::huge_pages)) say("has no huge pages: the kernel has none.");
        if (options_.node >= 0 && !Pinning::bind_to_node(p, n, static_cast<unsigned>(options_.node))) {
            say("is not bound: there is no such NUMA node, or the process may not use it.");
        }
        // Before locking, which stops at the limit: without a lock the pages are at least there.
        if (!pages_->populate(p, n)) {
            say("could not be filled in: not enough memory is free.");
            return false;
        }
        if (options_.lock) lock();
        return true;
    }
    void lock() noexcept {
        locking_ = Pinning::lock(memory_.data, memory_.size);
        if (locking_ == os::locking::refused) return say("could not be locked: the kernel refuses to keep so much in memory.");
        if (locking_ != os::locking::past_limit) return;
        begin_sentence();
        add(" cannot be locked: RLIMIT_MEMLOCK allows ");
        add_kib(Pinning::lock_limit());
        add("; raise it (ulimit -l, LimitMEMLOCK=) or grant CAP_IPC_LOCK.");
    }
    void give_back() noexcept {
        if (reserved_.data != nullptr) pages_->release(reserved_.data, reserved_.size);
        reserved_ = memory_ = {nullptr, 0};
    }
    /// Pages of the stack below this frame: written, so that they are this thread's own.
    [[gnu::noinline]] static void touch_stack(std::size_t bytes) noexcept {
        constexpr std::size_t step = 4096;
        volatile std::byte here[step];
        here[0] = std::byte{1};
        if (bytes > step) touch_stack(bytes - step);
        here[step - 1] = here[0];  // after the call, so that it is no jump that uses this frame again
    }

    // ---- the sentence ---------------------------------------------------------------------------------

    void begin_sentence() noexcept {
        report_length_ = 0;
        add("the region of ");
        add_kib(memory_.size);
    }
    void say(std::string_view what) noexcept {
        begin_sentence();
        add(" ");
        add(what);
    }
    void add(std::string_view text) noexcept {
        const std::size_t room = sizeof report_ - report_length_, n = text.size() < room ? text.size() : room;
        std::memcpy(report_ + report_length_, text.data(), n);
        report_length_ += n;
    }
    void add_kib(std::size_t bytes) noexcept {
        char digits[24];
        std::size_t n = sizeof digits, rest = bytes >> 10;
        do digits[--n] = static_cast<char>('0' + rest % 10);
        while ((rest /= 10) != 0);
        add({digits + n, sizeof digits - n});
        add(" KiB");
    }

    [[no_unique_address]] ref<Pages> pages_;
    region_options options_;
    block reserved_{nullptr, 0};
    block memory_{nullptr, 0};
    os::locking locking_ = os::locking::refused;
    bool sealed_ = false;
    os::fault_counts at_seal_{0, 0};
    std::size_t report_length_ = 0;
    char report_[192];
};

using rt_region = basic_rt_region<>;

}  // namespace ashlar
