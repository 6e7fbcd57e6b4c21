// The marking loop, and how its stack grows.
#include "ashlar/gc/marker.hpp"

#include <cstring>

#include "ashlar/foundation/layout.hpp"
#include "ashlar/gc/type.hpp"

namespace ashlar::gc::detail {

void marker::visit(void* object) noexcept {
    const header h = header_of(object);
    if (h.granules() > 1) set_run(tile_of(object)->marks, index_of(object), h.granules());
    if (const auto visit_slots = h.type()->mark) visit_slots(object, *this);
}

std::size_t marker::drain(std::size_t most) noexcept {
    std::size_t done = 0;
    while (done != most) {
        std::uintptr_t now = 0;
        if (top_ != base_) {
            const std::uintptr_t entry = *--top_;
            if ((entry & resumed_bit) != 0) {
                resumed_at_ = *--top_;
                visit(reinterpret_cast<void*>(entry - resumed_bit));
                resumed_at_ = 0;
                ++done;
                continue;
            }
            // Its header is fetched while those that were asked for before it are visited.
            __builtin_prefetch(reinterpret_cast<const void*>(entry - header_size));
            now = flying_[next_flying_];
            flying_[next_flying_] = entry;
            next_flying_ = (next_flying_ + 1) % in_flight;
        } else {
            std::size_t looked = 0;
            while (flying_[next_flying_] == 0 && looked++ != in_flight) next_flying_ = (next_flying_ + 1) % in_flight;
            now = flying_[next_flying_];
            if (now == 0) return done;
            flying_[next_flying_] = 0;
        }
        if (now == 0) continue;
        visit(reinterpret_cast<void*>(now));
        ++done;
    }
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
