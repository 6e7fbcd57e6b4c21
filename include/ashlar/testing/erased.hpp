// ashlar/testing/erased.hpp - an allocator of any type behind one type, so that the kit is compiled once for many.
//
// Layer:      testing
// Picture:    erased { pointer to box<A> { A } }     a virtual call an operation
// Complexity: one virtual call more than the allocator's own operation; the object is made on the heap.
// Failure:    that of the allocator.
// Threads:    one at a time.
// Checked by: tests/testing/erased_test.cpp
//
// The kit asks types what they can do. This one says it at run time: `offers(ability)`. An ability that the allocator
// lacks is then skipped, just as if the type lacked it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/operations.hpp"

namespace ashlar::testing {

enum class ability : std::uint8_t { grow, shrink, reallocate, zero, own, reset, forecast, walk, trim };

/// Whether the allocator offers what its type declares: a type that says nothing offers all that it declares.
template <class A>
bool offers(const A& a, ability what) {
    if constexpr (requires { a.offers(what); }) return a.offers(what);
    return true;
}

class erased {
public:
    /// Holds what make() returns, built where it stands: an allocator, or an object that holds several and whose top()
    /// is the one to use. `walks` off hides its walk of the free ranges,
    /// for allocators whose free ranges are not enough to say what they serve.
    template <class Make>
    static erased of(Make make, bool walks = true) {
        return erased(std::make_unique<box<std::invoke_result_t<Make&>>>(make), walks);
    }

    bool offers(ability what) const { return what == ability::walk ? walks_ && box_->offers(what) : box_->offers(what); }

    result<block> allocate(layout l) noexcept { return box_->allocate(l); }
    void deallocate(std::byte* p, layout l) noexcept { box_->deallocate(p, l); }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept { return box_->grow(p, old, now); }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept { return box_->shrink(p, old, now); }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
        return box_->reallocate(p, old, now, live_bytes);
    }
    result<block> allocate_zeroed(layout l) noexcept { return box_->allocate_zeroed(l); }
    bool owns(const std::byte* p) const noexcept { return box_->owns(p); }
    void reset() noexcept { box_->reset(); }
    bool available(layout l) const noexcept { return box_->available(l); }
    void trim() noexcept { box_->trim(); }
    template <class Visit>
    void for_each_free(Visit visit) const {
        box_->walk(visit);
    }

private:
    struct any_box {
        virtual ~any_box() = default;
        virtual bool offers(ability) const = 0;
        virtual result<block> allocate(layout) noexcept = 0;
        virtual void deallocate(std::byte*, layout) noexcept = 0;
        virtual result<block> grow(std::byte*, layout, layout) noexcept = 0;
        virtual result<block> shrink(std::byte*, layout, layout) noexcept = 0;
        virtual result<block> reallocate(std::byte*, layout, layout, std::size_t) noexcept = 0;
        virtual result<block> allocate_zeroed(layout) noexcept = 0;
        virtual bool owns(const std::byte*) const noexcept = 0;
        virtual void reset() noexcept = 0;
        virtual bool available(layout) const noexcept = 0;
        virtual void trim() noexcept = 0;
        virtual void walk(const std::function<void(block)>&) const = 0;
    };

    template <class Made>
    static auto& top_of(Made& made) {
        if constexpr (requires { made.top(); }) {
            return made.top();
        } else {
            return made;
        }
    }

    template <class Made>
    struct box final : any_box {
        using A = std::remove_reference_t<decltype(top_of(std::declval<Made&>()))>;

        template <class Make>
        explicit box(Make& make) : made(make()), a(top_of(made)) {}

        bool offers(ability what) const override {
            switch (what) {
                case ability::grow: return growable<A>;
                case ability::shrink: return shrinkable<A>;
                case ability::reallocate: return reallocating<A>;
                case ability::zero: return zeroing<A>;
                case ability::own: return owning<A>;
                case ability::reset: return resettable<A>;
                case ability::forecast: return forecasting<A>;
                case ability::walk: return walkable<A>;
                case ability::trim: return trimmable<A>;
            }
            return false;
        }
        result<block> allocate(layout l) noexcept override { return a.allocate(l); }
        void deallocate(std::byte* p, layout l) noexcept override { a.deallocate(p, l); }
        result<block> grow(std::byte* p, layout old, layout now) noexcept override {
            return ashlar::grow_in_place(a, p, old, now);
        }
        result<block> shrink(std::byte* p, layout old, layout now) noexcept override {
            return ashlar::shrink_in_place(a, p, old, now);
        }
        result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept override {
            return ashlar::reallocate(a, p, old, now, live_bytes);
        }
        result<block> allocate_zeroed(layout l) noexcept override { return ashlar::allocate_zeroed(a, l); }
        bool owns([[maybe_unused]] const std::byte* p) const noexcept override {
            if constexpr (owning<A>) return std::as_const(a).owns(p);
            return false;
        }
        void reset() noexcept override {
            if constexpr (resettable<A>) a.reset();
        }
        bool available([[maybe_unused]] layout l) const noexcept override {
            if constexpr (forecasting<A>) return std::as_const(a).available(l);
            return false;
        }
        void trim() noexcept override {
            ashlar::trim(a);
        }
        void walk([[maybe_unused]] const std::function<void(block)>& visit) const override {
            if constexpr (walkable<A>) a.for_each_free([&](block b) { visit(b); });
        }

        Made made;
        A& a;
    };

    erased(std::unique_ptr<any_box> made, bool walks) : box_(std::move(made)), walks_(walks) {}

    std::unique_ptr<any_box> box_;
    bool walks_;
};

}  // namespace ashlar::testing
