// tests/support/placed.hpp - an allocator whose blocks lie within itself, made in memory that the kit places: where it lies
// must not decide what is granted.
#pragma once

#include <new>

#include "ashlar/testing/ground.hpp"

namespace ashlar::tests {

template <class T>
class placed {
public:
    explicit placed(testing::ground& g) : made_(::new (g.buffer(sizeof(T), alignof(T)).data) T) {}
    placed(const placed&) = delete;
    placed& operator=(const placed&) = delete;
    ~placed() { made_->~T(); }

    result<block> allocate(layout l) noexcept { return made_->allocate(l); }
    void deallocate(std::byte* p, layout l) noexcept { made_->deallocate(p, l); }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept { return made_->grow_in_place(p, old, now); }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept { return made_->shrink_in_place(p, old, now); }
    void reset() noexcept { made_->reset(); }
    bool available(layout l) const noexcept { return made_->available(l); }
    bool owns(const std::byte* p) const noexcept { return made_->owns(p); }
    template <class Visit>
    void for_each_free(Visit visit) const { made_->for_each_free(visit); }

private:
    T* made_;
};

}  // namespace ashlar::tests
