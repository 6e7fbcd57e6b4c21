// ashlar/ownership/slot_map.hpp - values side by side, found by keys that know when their value is gone.
//
// Layer:      ownership
// Source:     Stone, "Slot map", WG21 P0661, 2017.
// Picture:    slots   { place, generation } ...      key { index of a slot, generation }
//             values  [ v | v | v | v ]  owners  [ index of the slot of each value ]
// Complexity: insert amortised O(1), erase and find O(1), a walk over n values O(n) through adjacent memory. 12 bytes a
//             value; one block of memory for all of it.
// Failure:    insert and reserve refuse, and change nothing, when the allocator does; what a constructor throws passes
//             through and changes nothing either.
// Threads:    one at a time.
// Invariants: slot_map.I1  values[0, size) are alive; owners[i] names the slot whose place is i
//             slot_map.I2  a key finds its value exactly when its generation is its slot's, which never comes back
// Checked by: tests/ownership/slot_map_test.cpp
//
// erase moves the last value into the gap: keys stay good, pointers and the order do not. T moves without throwing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/ownership/handle.hpp"

namespace ashlar {

template <class T, allocator A>
class slot_map {
    static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);
    struct slot {
        std::uint32_t place;  // of the value; of a free slot: the next free one
        std::uint32_t generation;
    };

public:
    using key = handle<T>;
    static constexpr std::uint32_t max_size = std::uint32_t{1} << 30;

    explicit slot_map(ref<A> memory) noexcept : memory_(memory) {}
    slot_map() noexcept
        requires stateless<A>
        : slot_map(ref<A>()) {}
    slot_map(const slot_map&) = delete;
    slot_map& operator=(const slot_map&) = delete;
    ~slot_map() {
        for (T& value : *this) value.~T();
        give_back(begin_, capacity_);
    }

    /// Makes a value of the arguments, which may refer to a value of this map. @returns its key
    template <class... Arguments>
        requires std::is_constructible_v<T, Arguments...>
    result<key> insert(Arguments&&... arguments) {
        const bool room = size_ < capacity_ && (free_ != end_of_list || used_ < capacity_);
        const auto build = [&](T* at) { ::new (static_cast<void*>(at)) T(std::forward<Arguments>(arguments)...); };
        if (room) {
            build(values() + size_);
        } else if (!regrow(capacity_ < 4 ? 8 : std::size_t{2} * capacity_, build)) {
            return alloc_error{};
        }
        return attach_last();
    }
    /// @returns false, and nothing happens, if its value is gone
    bool erase(key k) noexcept {
        if (find(k) == nullptr) return false;
        slot& s = slots()[k.index];
        const std::uint32_t gap = s.place, last = --size_;
        ++s.generation;  // slot_map.I2
        s.place = free_;
        // A slot whose generations are used up is not used again.
        if (s.generation != 0) free_ = k.index;
        values()[gap].~T();
        if (gap == last) return true;
        ::new (static_cast<void*>(values() + gap)) T(std::move(values()[last]));
        values()[last].~T();
        owners()[gap] = owners()[last];
        slots()[owners()[gap]].place = gap;  // slot_map.I1
        return true;
    }
    /// @returns the value; null if it is gone
    T* find(key k) const noexcept {
        if (k.index >= used_ || !k) return nullptr;
        const slot& s = slots()[k.index];
        return s.generation == k.generation && s.place < size_ && owners()[s.place] == k.index ? values() + s.place : nullptr;
    }
    /// The key of a value of this map.
    key key_of(const T& value) const noexcept {
        ASHLAR_PRE(&value >= values() && &value < values() + size_);
        const std::uint32_t index = owners()[&value - values()];
        return {index, slots()[index].generation};
    }

    /// Room for so many values without another request. @returns false, and nothing happens, if it is refused
    bool reserve(std::size_t wanted) noexcept {
        return wanted <= capacity_ || regrow(wanted, [](T*) {});
    }
    /// Erases every value; the memory stays.
    void clear() noexcept {
        while (size_ != 0) erase(key_of(values()[size_ - 1]));
    }

    T* begin() const noexcept { return values(); }
    T* end() const noexcept { return values() + size_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::size_t capacity() const noexcept { return capacity_; }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        for (std::uint32_t i = 0; i < size_; ++i) {
            if (owners()[i] >= used_ || slots()[owners()[i]].place != i) return false;  // slot_map.I1
        }
        std::size_t listed = 0;
        for (std::uint32_t at = free_; at != end_of_list; at = slots()[at].place, ++listed) {
            if (at >= used_ || listed > used_ || slots()[at].generation == 0) return false;
        }
        return size_ + listed <= used_ && used_ <= capacity_;
    }

private:
    static constexpr std::uint32_t end_of_list = 0xffffffffu;

    /// Values first, for they may be the most aligned; then slots, then owners.
    static result<extended_layout> shape_of(std::size_t n) noexcept {
        return layout::array<T>(n).and_then([&](layout values) noexcept {
            return layout::array<slot>(n).and_then([&](layout slots) noexcept {
                return layout::array<std::uint32_t>(n).and_then([&](layout owners) noexcept {
                    return values.extend(slots).and_then([&](extended_layout front) noexcept {
                        return front.whole.extend(owners).transform([&](extended_layout all) noexcept {
                            return extended_layout{all.whole, front.offset};
                        });
                    });
                });
            });
        });
    }
    T* values() const noexcept { return reinterpret_cast<T*>(begin_); }
    slot* slots() const noexcept {
        return reinterpret_cast<slot*>(begin_ + align_up(sizeof(T) * capacity_, alignof(slot)));
    }
    std::uint32_t* owners() const noexcept { return reinterpret_cast<std::uint32_t*>(slots() + capacity_); }

    /// Moves everything to a larger block, once build(place behind the last value) has been done there.
    template <class Build>
    bool regrow(std::size_t wanted, Build build) {
        const auto shape = shape_of(wanted);
        if (wanted > max_size || !shape) return false;
        const auto granted = memory_->allocate(shape->whole);
        if (!granted) return false;
        slot_map other(memory_);  // gives back at the end what it then holds: the new memory if build throws
        other.begin_ = granted->data;
        other.capacity_ = static_cast<std::uint32_t>(wanted);
        build(other.values() + size_);
        std::swap(other.begin_, begin_);
        std::swap(other.capacity_, capacity_);
        for (std::uint32_t i = 0; i < used_; ++i) ::new (slots() + i) slot(other.slots()[i]);
        for (std::uint32_t i = 0; i < size_; ++i) {
            ::new (static_cast<void*>(values() + i)) T(std::move(other.values()[i]));
            other.values()[i].~T();
            owners()[i] = other.owners()[i];
        }
        return true;
    }
    /// Gives the value behind the last one a slot. @pre there is room for it
    key attach_last() noexcept {
        std::uint32_t index = free_;
        if (index == end_of_list) {
            index = used_++;
            ::new (slots() + index) slot{0, 1};
        } else {
            free_ = slots()[index].place;
        }
        slots()[index].place = size_;
        owners()[size_++] = index;
        return {index, slots()[index].generation};
    }
    void give_back(std::byte* begin, std::uint32_t capacity) noexcept {
        if (begin != nullptr) memory_->deallocate(begin, shape_of(capacity)->whole);
    }

    [[no_unique_address]] ref<A> memory_;
    std::byte* begin_ = nullptr;
    std::uint32_t capacity_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t used_ = 0;  // slots that were ever used
    std::uint32_t free_ = end_of_list;
};

}  // namespace ashlar
