// ashlar/compose/resource.hpp - any allocator as a std::pmr::memory_resource, and the other way round.
//
// Layer:      compose
// Source:     ISO C++20 [mem.res].
// Complexity: one virtual call more than the allocator's operation.
// Failure:    resource throws std::bad_alloc where the allocator refuses or the alignment is no power of two (in a
//             build without exceptions it breaks a contract); pmr_upstream refuses where the memory resource throws.
// Threads:    that of what is behind it.
// Invariants: resource.I1  a request for zero bytes asks the allocator for one
//             resource.I2  a resource is equal to itself only: hold one for each allocator
// Checked by: tests/compose/resource_test.cpp
#pragma once

#include <cstddef>
#include <memory_resource>
#include <new>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// A memory resource over an allocator: what std::pmr containers take.
template <allocator A>
class resource final : public std::pmr::memory_resource {
public:
    /// @pre the allocator outlives the resource
    explicit resource(ref<A> a) noexcept : allocator_(a) {}
    resource() noexcept
        requires stateless<A>
    = default;

private:
    static result<layout> asked(std::size_t size, std::size_t align) noexcept {
        return layout::make(size == 0 ? 1 : size, align);  // resource.I1
    }
    void* do_allocate(std::size_t size, std::size_t align) override {
        const auto l = asked(size, align);
        const auto granted = l ? allocator_->allocate(*l) : result<block>(alloc_error{});
        if (granted) return granted->data;
#if defined(__cpp_exceptions)
        throw std::bad_alloc();
#else
        detail::contract_broken("precondition", "the allocator grants", __FILE__, __LINE__);
#endif
    }
    void do_deallocate(void* p, std::size_t size, std::size_t align) override {
        allocator_->deallocate(static_cast<std::byte*>(p), *asked(size, align));
    }
    // Without RTTI nothing tells whether the other one has this allocator behind it too (resource.I2).
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

    [[no_unique_address]] ref<A> allocator_;
};

#if defined(__cpp_exceptions)
/// An allocator over a memory resource. Only where a refusal can be caught can it be a value.
class pmr_upstream {
public:
    /// @pre the resource outlives the allocator
    explicit pmr_upstream(ref<std::pmr::memory_resource> r) noexcept : resource_(r) {}
    explicit pmr_upstream(std::pmr::memory_resource* r) noexcept : resource_(*r) {}
    pmr_upstream(const pmr_upstream&) = delete;
    pmr_upstream& operator=(const pmr_upstream&) = delete;

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        try {
            return block{static_cast<std::byte*>(resource_->allocate(l.size(), l.align())), l.size()};
        } catch (...) {
            return alloc_error{};
        }
    }
    void deallocate(std::byte* p, layout l) noexcept { resource_->deallocate(p, l.size(), l.align()); }

private:
    ref<std::pmr::memory_resource> resource_;
};
#endif

}  // namespace ashlar
