// The marking loop, and how its stack grows.
#include "ashlar/gc/marker.hpp"

#include <cstring>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/layout.hpp"
#include "ashlar/gc/type.hpp"
#include "ashlar/gc/weak.hpp"
#include "team.hpp"

namespace ashlar::gc::detail {

template <class M>
[[gnu::always_inline]] inline void marker::visit(M& as, void* object) noexcept {
    const header h = header_of(object);
    const descriptor& d = *h.type();
    if (d.mark == nullptr) as.mark_rest(object, h.granules());
    else if constexpr (std::is_same_v<M, marker>) d.mark(object, as);  // marker.I2
    else d.mark_shared(object, as);
}

void marker::revisit(void* object) noexcept {
    visit(*this, object);
    drain();
}

template <class M>
std::size_t marker::drain_as(M& as, std::size_t most) noexcept {
    std::size_t oldest = oldest_flying_, flying = flying_count_, done = 0;
    for (; done != most; ++done) {
        // What is on the stack goes through the queue: its header is fetched while what came before it is visited.
        while (top_ != base_ && flying != in_flight && (top_[-1] & resumed_bit) == 0) {
            const std::uintptr_t entry = *--top_;
            __builtin_prefetch(reinterpret_cast<const void*>(entry - header_size));
            flying_[(oldest + flying++) % in_flight] = entry;
        }
        if (flying != 0) {
            const std::uintptr_t object = flying_[oldest++ % in_flight];
            --flying;
            visit(as, reinterpret_cast<void*>(object));
        } else if (top_ != base_) {
            const std::uintptr_t entry = *--top_;
            resumed_at_ = *--top_ >> 2;
            visit(as, reinterpret_cast<void*>(entry - resumed_bit));
            resumed_at_ = 0;
        } else {
            break;
        }
    }
    oldest_flying_ = oldest;
    flying_count_ = flying;
    return done;
}

template std::size_t marker::drain_as(marker&, std::size_t) noexcept;
template std::size_t marker::drain_as(shared_marker&, std::size_t) noexcept;

std::size_t marker::give(std::uintptr_t* to, std::size_t most) noexcept {
    std::size_t n = height() / 2 < most ? height() / 2 : most;
    // Neither what goes nor what takes its place may end between an index and what it is of.
    while (n != 0 && ((base_[n - 1] & index_bit) != 0 || (top_[-static_cast<std::ptrdiff_t>(n)] & resumed_bit) != 0)) --n;
    std::memcpy(to, base_, n * sizeof *base_);
    top_ -= n;
    std::memcpy(base_, top_, n * sizeof *base_);
    return n;
}
void marker::receive(const std::uintptr_t* from, std::size_t n) noexcept {
    ASHLAR_PRE(top_ == base_ && n <= 256);
    std::memcpy(base_, from, n * sizeof *base_);
    top_ += n;
}
void marker::take_stack(marker& other) noexcept {
    while (other.flying_count_ != 0) {
        other.push(other.flying_[other.oldest_flying_++ % in_flight]);
        --other.flying_count_;
    }
    const std::size_t n = other.height();
    if (other.base_ == other.first_) {
        receive(other.base_, n);
        other.top_ = other.base_;
        return;
    }
    base_ = std::exchange(other.base_, other.first_);
    top_ = std::exchange(other.top_, other.first_);
    end_ = std::exchange(other.end_, other.first_ + 256);
    most_ += bytes();
}
void marker::take_over(marker& other) noexcept {
    overflowed_ |= other.take_overflow();
    ephemeron_links* const first = other.waiting_ephemerons;
    other.waiting_ephemerons = nullptr;
    if (first == nullptr) return;
    ephemeron_links* last = first;
    while (last->next != last) last = last->next;
    if (waiting_ephemerons != nullptr) last->next = waiting_ephemerons;
    waiting_ephemerons = first;
}

bool marker::grow() noexcept {
    if (team_ == nullptr) return grow_alone();
    const auto lock = team_->alone();  // the upstream may be of one thread
    return grow_alone();
}
bool marker::grow_alone() noexcept {
    const auto used = static_cast<std::size_t>(top_ - base_);
    const std::size_t old_bytes = bytes();
    const std::size_t now_bytes = old_bytes == 0 ? 64 * 1024 : old_bytes * 2;
    if (now_bytes > most_) return false;
    const auto now = layout::make(now_bytes, alignof(std::uintptr_t));
    const auto got = old_bytes == 0 ? upstream_.allocate(*now)
                                    : upstream_.reallocate(reinterpret_cast<std::byte*>(base_),
                                                           *layout::make(old_bytes, alignof(std::uintptr_t)), *now,
                                                           used * sizeof *base_);
    if (!got) return false;
    auto* const base = reinterpret_cast<std::uintptr_t*>(got->data);
    if (old_bytes == 0) std::memcpy(base, first_, used * sizeof *base_);
    base_ = base;
    top_ = base + used;
    end_ = base + now_bytes / sizeof *base;
    return true;
}

void marker::trim() noexcept {
    ASHLAR_PRE(top_ == base_);
    if (base_ == first_) return;
    upstream_.deallocate(reinterpret_cast<std::byte*>(base_), *layout::make(bytes(), alignof(std::uintptr_t)));
    base_ = top_ = first_;
    end_ = first_ + 256;
}

}  // namespace ashlar::gc::detail
