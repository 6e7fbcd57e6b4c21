// ashlar/realtime/magazine.hpp - a thread's own few blocks of a shared pool: most requests touch nothing that is shared.
//
// Layer:      realtime
// Source:     Bonwick and Adams, "Magazines and Vmem", USENIX 2001.
// Picture:    thread 1  magazine [ b b b . . ]          shared pool  -> b -> b -> b
//             thread 2  magazine [ b . . . . ]          half a magazine is fetched or given back at a time
// Complexity: allocate and deallocate O(1): 6 instructions each where the magazine is neither empty nor full; at worst Depth / 2
//             operations of the pool.
// Failure:    refuses when the magazine is empty and the pool refuses.
// Threads:    one at a time; each thread has its own. A block may come back through any magazine of the pool, or to the pool.
// Invariants: magazine.I1  a block that it keeps is in no other magazine and, to the pool, live
// Checked by: tests/realtime/magazine_test.cpp, tests/realtime/shared_pools_threads_test.cpp, tests/budgets/realtime.cpp
//
// Declare it thread_local, or as a member of what a thread owns: its destructor gives back what it keeps, so a thread that
// ends, even by cancellation, leaves nothing behind but what it was granted. Up to Depth blocks a thread are kept from the others:
// make the pool that much larger.
#pragma once

#include <cstddef>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// Of a pool of equal blocks, which says their size and alignment.
template <thread_safe Pool, std::size_t Depth = 32>
    requires allocator<Pool> && (Depth >= 2)
class magazine {
public:
    static constexpr std::size_t block_size = Pool::block_size;
    static constexpr std::size_t block_align = Pool::block_align;

    explicit magazine(ref<Pool> pool) noexcept : pool_(pool) {}
    magazine(const magazine&) = delete;
    magazine& operator=(const magazine&) = delete;
    ~magazine() { trim(); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (l.size() > block_size || l.align() > block_align) return alloc_error{};
        if (count_ == 0) [[unlikely]] return fetch();
        return block{kept_[--count_], block_size};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() != 0 && l.size() <= block_size && l.align() <= block_align && p != nullptr);
        if (count_ == Depth) [[unlikely]] return keep_half_and(p);
        kept_[count_++] = p;
    }
    /// Gives back what is kept.
    void trim() noexcept { keep_at_most(0); }

    bool owns(const std::byte* p) const noexcept
        requires owning<Pool>
    {
        return pool_->owns(p);
    }
    std::size_t kept() const noexcept { return count_; }

private:
    static layout whole() noexcept { return *layout::make(block_size, block_align); }

    [[gnu::noinline]] result<block> fetch() noexcept {
        const auto first = pool_->allocate(whole());
        if (!first) return first;
        while (count_ + 1 < Depth / 2) {  // never the last of the pool's for nothing: it takes what there is
            const auto more = pool_->allocate(whole());
            if (!more) break;
            kept_[count_++] = more->data;
        }
        return first;
    }
    [[gnu::noinline]] void keep_half_and(std::byte* p) noexcept {
        keep_at_most(Depth / 2);
        kept_[count_++] = p;
    }
    void keep_at_most(std::size_t wanted) noexcept {
        while (count_ > wanted) pool_->deallocate(kept_[--count_], whole());  // magazine.I1
    }

    [[no_unique_address]] ref<Pool> pool_;
    std::size_t count_ = 0;
    std::byte* kept_[Depth];
};

}  // namespace ashlar
