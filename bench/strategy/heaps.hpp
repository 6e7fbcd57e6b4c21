// bench/strategy/heaps.hpp - the allocators to compare, all spoken to in the same way and fed from the same memory.
//
// A heap here has allocate(n), deallocate(p, n) and footprint(): the most bytes that it held from its source at once, or
// nothing when that cannot be known. Blocks are aligned to 16. What lives on `warm` has its memory touched beforehand:
// its figures are the strategy's own and not the kernel's.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory_resource>
#include <new>
#include <optional>
#include <vector>

#include "ashlar/foundation/allocator.hpp"

namespace bench {

constexpr std::size_t alignment = 16;

inline ashlar::layout layout_of(std::size_t n, std::size_t align = alignment) {
    return *ashlar::layout::make(n, align);
}

// Touched memory. Regions given back are granted again to whoever asks for the same size; counts what is held.
class warm {
public:
    explicit warm(std::size_t size) : size_(size) {
        void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (p == MAP_FAILED) {
            std::perror("mmap");
            std::exit(1);
        }
        begin_ = static_cast<std::byte*>(p);
        returned_.reserve(1024);
    }
    warm(const warm&) = delete;
    warm& operator=(const warm&) = delete;

    ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {
        std::byte* p = again(l);
        if (!p) {
            const std::size_t at = (used_ + l.align() - 1) & ~(l.align() - 1);
            if (at > size_ || l.size() > size_ - at) return ashlar::alloc_error{};
            used_ = at + l.size();
            p = begin_ + at;
        }
        held_ += l.size();
        if (held_ > most_) most_ = held_;
        return ashlar::block{p, l.size()};
    }
    void deallocate(std::byte* p, ashlar::layout l) noexcept {
        held_ -= l.size();
        returned_.push_back({p, l.size()});
    }
    void start_again() {
        used_ = held_ = most_ = 0;
        returned_.clear();
    }
    std::size_t most_held() const { return most_; }

private:
    std::byte* again(ashlar::layout l) {
        for (auto& b : returned_) {
            if (b.size != l.size() || reinterpret_cast<std::uintptr_t>(b.data) % l.align() != 0) continue;
            std::byte* p = b.data;
            b = returned_.back();
            returned_.pop_back();
            return p;
        }
        return nullptr;
    }

    std::byte* begin_;
    std::size_t size_, used_ = 0, held_ = 0, most_ = 0;
    std::vector<ashlar::block> returned_;
};

// One of Ashlar's, made by Make(source); its footprint is what it took from the source.
template <auto Make>
class ours {
public:
    explicit ours(warm& source) : source_(source), made_(Make(source)) {}
    void* allocate(std::size_t n) {
        const auto granted = made_.allocate(layout_of(n));
        return granted ? granted->data : nullptr;
    }
    void deallocate(void* p, std::size_t n) { made_.deallocate(static_cast<std::byte*>(p), layout_of(n)); }
    std::optional<std::size_t> footprint() const { return source_.most_held(); }
    auto& made() { return made_; }

private:
    warm& source_;
    decltype(Make(std::declval<warm&>())) made_;
};

// One of Ashlar's whose memory does not come from the source: the host's malloc, the kernel's pages.
template <auto Make>
struct apart : ours<Make> {
    using ours<Make>::ours;
    std::optional<std::size_t> footprint() const { return std::nullopt; }
};

// One of Ashlar's on a single buffer of Size bytes: its footprint is how far into the buffer it went.
template <std::size_t Size, auto Make>
class in_buffer {
public:
    explicit in_buffer(warm& source)
        : begin_(source.allocate(layout_of(Size, 1u << 16))->data), made_(Make({begin_, Size})) {}
    void* allocate(std::size_t n) {
        const auto granted = made_.allocate(layout_of(n));
        if (!granted) return nullptr;
        if (granted->data + n > furthest_) furthest_ = granted->data + n;
        return granted->data;
    }
    void deallocate(void* p, std::size_t n) { made_.deallocate(static_cast<std::byte*>(p), layout_of(n)); }
    std::optional<std::size_t> footprint() const { return furthest_ - begin_; }
    auto& made() { return made_; }

private:
    std::byte* begin_;
    std::byte* furthest_ = nullptr;
    decltype(Make(ashlar::block{})) made_;
};

// The warm memory as std::pmr sees it, or as another library's resources do.
template <class Base = std::pmr::memory_resource>
class warm_resource : public Base {
public:
    explicit warm_resource(warm& source) : source_(source) {}

private:
    void* do_allocate(std::size_t n, std::size_t align) override {
        const auto granted = source_.allocate(layout_of(n, align));
        if (!granted) throw std::bad_alloc();
        return granted->data;
    }
    void do_deallocate(void* p, std::size_t n, std::size_t align) override {
        source_.deallocate(static_cast<std::byte*>(p), layout_of(n, align));
    }
    bool do_is_equal(const Base& o) const noexcept override { return this == &o; }

    warm& source_;
};

template <class Resource, class Base = std::pmr::memory_resource>
class pmr {
public:
    explicit pmr(warm& source) : source_(source), upstream_(source), made_(&upstream_) {}
    void* allocate(std::size_t n) { return made_.allocate(n, alignment); }
    void deallocate(void* p, std::size_t n) { made_.deallocate(p, n, alignment); }
    std::optional<std::size_t> footprint() const { return source_.most_held(); }
    Resource& made() { return made_; }

private:
    warm& source_;
    warm_resource<Base> upstream_;
    Resource made_;
};

// One object, whose layout the compiler knows; and the end of all at once.
template <std::size_t Size, ashlar::allocator A>
void* object_in(A& a) {
    const auto granted = a.allocate(*ashlar::layout::make(Size, alignment));
    return granted ? granted->data : nullptr;
}
template <std::size_t Size, class Resource>
    requires(!ashlar::allocator<Resource>)
void* object_in(Resource& r) { return r.allocate(Size, alignment); }

template <ashlar::resettable A>
void end_all(A& a) { a.reset(); }
template <class Resource>
    requires(!ashlar::resettable<Resource>)
void end_all(Resource& r) { r.release(); }

class pmr_new_delete {
public:
    explicit pmr_new_delete(warm&) {}
    void* allocate(std::size_t n) { return made_->allocate(n, alignment); }
    void deallocate(void* p, std::size_t n) { made_->deallocate(p, n, alignment); }
    std::optional<std::size_t> footprint() const { return std::nullopt; }

private:
    std::pmr::memory_resource* made_ = std::pmr::new_delete_resource();
};

}  // namespace bench
