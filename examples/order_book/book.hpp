// examples/order_book/book.hpp - one side-by-side book of limit orders: price levels, first come first served.
//
// An order is an object that lives until it is filled or cancelled, in no order that anybody could foresee; a client names
// it by a handle. Store says where orders live and what a handle is: see stores.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace order_book {

enum class side : std::uint8_t { buy, sell };

constexpr std::uint32_t ticks = 1024;  // prices are 0 to 1023

struct order {
    order(side s, std::uint32_t p, std::uint32_t n) noexcept : price(p), quantity(n), which(s) {}

    order* before = nullptr;  // in its level
    order* behind = nullptr;
    std::uint64_t name = 0;  // what its client was given, so that the book can release it when it is filled
    std::uint32_t price;
    std::uint32_t quantity;
    side which;
};

/// The orders of one price, the oldest first.
class level {
public:
    bool empty() const noexcept { return oldest_ == nullptr; }
    order& oldest() const noexcept { return *oldest_; }
    void append(order& o) noexcept {
        o.before = newest_;
        (newest_ != nullptr ? newest_->behind : oldest_) = &o;
        newest_ = &o;
    }
    void remove(order& o) noexcept {
        (o.before != nullptr ? o.before->behind : oldest_) = o.behind;
        (o.behind != nullptr ? o.behind->before : newest_) = o.before;
    }

private:
    order* oldest_ = nullptr;
    order* newest_ = nullptr;
};

template <class Store>
class book {
public:
    using handle = typename Store::handle;

    /// Trades with what it meets; the rest stays in the book. @returns its handle; an empty one where nothing stayed
    handle add(side s, std::uint32_t price, std::uint32_t quantity) {
        added_ += quantity;
        quantity -= trade(s, price, quantity);
        if (quantity == 0) return {};
        const handle h = orders_.make(s, price, quantity);
        order& o = *orders_.find(h);
        o.name = Store::name_of(h);
        levels(s)[price].append(o);
        resting_ += quantity;
        if (s == side::buy && price > best_bid_) best_bid_ = price;
        if (s == side::sell && price < best_ask_) best_ask_ = price;
        return h;
    }
    /// @returns false if it was filled or cancelled before: a stale handle is an everyday thing here
    bool cancel(handle h) {
        order* const o = orders_.find(h);
        if (o == nullptr) return false;
        levels(o->which)[o->price].remove(*o);
        resting_ -= o->quantity;
        cancelled_ += o->quantity;
        orders_.release(h);
        return true;
    }

    std::uint64_t traded() const noexcept { return traded_; }
    std::uint64_t resting() const noexcept { return resting_; }
    /// Every share that came is traded (with another that came), cancelled, or still here.
    bool balanced() const noexcept { return added_ == 2 * traded_ + cancelled_ + resting_; }

private:
    std::array<level, ticks>& levels(side s) noexcept { return s == side::buy ? bids_ : asks_; }

    std::uint32_t trade(side s, std::uint32_t limit, std::uint32_t wanted) {
        std::uint32_t filled = 0;
        while (filled < wanted) {
            level* const at = s == side::buy ? best_ask(limit) : best_bid(limit);
            if (at == nullptr) break;
            order& o = at->oldest();
            const std::uint32_t n = o.quantity < wanted - filled ? o.quantity : wanted - filled;
            filled += n;
            o.quantity -= n;
            if (o.quantity == 0) {
                at->remove(o);
                orders_.release(Store::handle_of(o.name));
            }
        }
        traded_ += filled;
        resting_ -= filled;
        return filled;
    }
    level* best_ask(std::uint32_t limit) noexcept {
        while (best_ask_ < ticks && asks_[best_ask_].empty()) ++best_ask_;
        return best_ask_ <= limit && best_ask_ < ticks ? &asks_[best_ask_] : nullptr;
    }
    level* best_bid(std::uint32_t limit) noexcept {
        while (best_bid_ > 0 && bids_[best_bid_].empty()) --best_bid_;
        return best_bid_ >= limit && !bids_[best_bid_].empty() ? &bids_[best_bid_] : nullptr;
    }

    Store orders_;
    std::array<level, ticks> bids_{}, asks_{};
    std::uint32_t best_bid_ = 0, best_ask_ = ticks;
    std::uint64_t added_ = 0, traded_ = 0, cancelled_ = 0, resting_ = 0;
};

}  // namespace order_book
