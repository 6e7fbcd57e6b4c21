// The marking loop, and how its stack grows.
#include "ashlar/gc/marker.hpp"

#include <cstring>

#include "ashlar/foundation/layout.hpp"
#include "ashlar/gc/type.hpp"

namespace ashlar::gc::detail {

inline void marker::visit(void* object) noexcept {
    const header h = header_of(object);
    const descriptor& d = *h.type();
    if (d.mark != nullptr) d.mark(object, *this);  // marker.I2
    else mark_rest(object, h.granules());
}

void marker::revisit(void* object) noexcept {
    visit(object);
    drain();
}

std::size_t marker::drain(std::size_t most) noexcept {
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
            visit(reinterpret_cast<void*>(object));
        } else if (top_ != base_) {
            const std::uintptr_t entry = *--top_;
            resumed_at_ = *--top_;
            visit(reinterpret_cast<void*>(entry - resumed_bit));
            resumed_at_ = 0;
        } else {
            break;
        }
    }
    oldest_flying_ = oldest;
    flying_count_ = flying;
    return done;
}

bool marker::grow() noexcept {
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
