// examples/order_book/stores.hpp - where orders live: in a pool, or on the heap beside a table of names.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "ashlar/ownership/object_pool.hpp"
#include "ashlar/strategy/page.hpp"
#include "book.hpp"

namespace order_book {

/// The pool knows by itself whether a handle is stale: it names a slot and the slot's generation.
class in_pool {
public:
    using handle = ashlar::handle<order>;

    handle make(side s, std::uint32_t price, std::uint32_t quantity) {
        auto made = orders_.acquire(s, price, quantity);
        if (!made) throw std::bad_alloc();
        return made.detach();  // the handle owns the order now
    }
    order* find(handle h) const { return orders_.get(h); }
    void release(handle h) { orders_.release(h); }

    static std::uint64_t name_of(handle h) { return std::uint64_t{h.index} << 32 | h.generation; }
    static handle handle_of(std::uint64_t name) {
        return {static_cast<std::uint32_t>(name >> 32), static_cast<std::uint32_t>(name)};
    }

private:
    ashlar::object_pool<order, ashlar::page<>> orders_;
};

/// What is often written: numbers that are never used again, and a table from them to the heap.
class on_heap {
public:
    using handle = std::uint64_t;

    handle make(side s, std::uint32_t price, std::uint32_t quantity) {
        orders_.emplace(++last_, std::make_unique<order>(s, price, quantity));
        return last_;
    }
    order* find(handle h) const {
        const auto at = orders_.find(h);
        return at == orders_.end() ? nullptr : at->second.get();
    }
    void release(handle h) { orders_.erase(h); }

    static std::uint64_t name_of(handle h) { return h; }
    static handle handle_of(std::uint64_t name) { return name; }

private:
    std::unordered_map<std::uint64_t, std::unique_ptr<order>> orders_;
    std::uint64_t last_ = 0;
};

}  // namespace order_book
