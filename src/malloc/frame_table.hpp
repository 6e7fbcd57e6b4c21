// ashlar/src/malloc/frame_table.hpp - what a module's tables say of a function: where its caller's registers are.
//
// Layer:      malloc
// Source:     DWARF 5, 6.4 (call frame information); LSB 5.0, .eh_frame and .eh_frame_hdr.
// Picture:    .eh_frame_hdr [ function | description ] sorted -> description -> common part
//             instructions of both, run up to an address -> rules: the frame, and what is saved where in it
// Complexity: a search in the table, and some tens of instructions.
// Failure:    false: the module has no tables, or they hold what compilers do not write for ordinary functions (rules of
//             signal frames and linkage tables are expressions).
// Threads:    any, in signal handlers too.
// Checked by: tests/malloc/program/guarded.py
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "unwind.hpp"

namespace ashlar::malloc {

/// Bytes of a table, taken from the front.
struct reader {
    const unsigned char* p;
    const unsigned char* end;

    template <class T>
    T take() noexcept {
        T value{};
        if (end - p < static_cast<std::ptrdiff_t>(sizeof value)) {
            p = end;
            return value;
        }
        std::memcpy(&value, p, sizeof value);
        p += sizeof value;
        return value;
    }
    std::uint64_t uleb() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; p != end; shift += 7) {
            const unsigned char byte = *p++;
            if (shift < 64) value |= std::uint64_t{byte & 0x7fu} << shift;
            if ((byte & 0x80) == 0) break;
        }
        return value;
    }
    std::int64_t sleb() noexcept {
        std::uint64_t value = 0;
        unsigned shift = 0;
        while (p != end) {
            const unsigned char byte = *p++;
            if (shift < 64) value |= std::uint64_t{byte & 0x7fu} << shift;
            shift += 7;
            if ((byte & 0x80) != 0) continue;
            if (shift < 64 && (byte & 0x40) != 0) value |= ~std::uint64_t{0} << shift;
            break;
        }
        return static_cast<std::int64_t>(value);
    }
    /// A pointer by its encoding; data relative to a table is not used in .eh_frame.
    std::uintptr_t pointer(unsigned encoding) noexcept {
        const auto here = reinterpret_cast<std::uintptr_t>(p);
        std::uintptr_t value = 0;
        switch (encoding & 0x0f) {
            case 0x00: case 0x04: case 0x0c: value = take<std::uint64_t>(); break;
            case 0x02: value = take<std::uint16_t>(); break;
            case 0x03: value = take<std::uint32_t>(); break;
            case 0x0a: value = static_cast<std::uintptr_t>(std::int64_t{take<std::int16_t>()}); break;
            case 0x0b: value = static_cast<std::uintptr_t>(std::int64_t{take<std::int32_t>()}); break;
            default: p = end; return 0;
        }
        return (encoding & 0x70) == 0x10 ? value + here : value;
    }
};

/// The description of a function: its range, and the instructions of its common part and of its own.
struct description {
    std::uintptr_t begin, size;
    reader common, own;
    std::uint64_t code_factor;
    std::int64_t data_factor;
    unsigned return_column;
};

inline bool read_common(const unsigned char* at, description& out, unsigned& encoding, bool& has_data) noexcept {
    reader r{at, at + 4};
    const auto length = r.take<std::uint32_t>();
    if (length == 0 || length == 0xffffffff) return false;
    r.end = at + 4 + length;
    r.take<std::uint32_t>();
    const auto version = r.take<std::uint8_t>();
    const auto* letters = reinterpret_cast<const char*>(r.p);
    while (r.p != r.end && r.take<char>() != '\0') {
    }
    out.code_factor = r.uleb();
    out.data_factor = r.sleb();
    out.return_column = version == 1 ? r.take<std::uint8_t>() : static_cast<unsigned>(r.uleb());
    has_data = *letters == 'z';
    if (has_data) {
        const std::uint64_t size = r.uleb();
        const unsigned char* const behind = r.p + size;
        for (const char* c = letters + 1; *c != '\0'; ++c) {
            if (*c == 'R') {
                encoding = r.take<std::uint8_t>();
            } else if (*c == 'P') {
                const auto how = r.take<std::uint8_t>();
                r.pointer(how);
            } else if (*c == 'L') {
                r.take<std::uint8_t>();
            } else if (*c == 'S') {
                return false;  // a signal frame: its rules are expressions
            }
        }
        r.p = behind;
    } else if (*letters != '\0') {
        return false;
    }
    out.common = r;
    return true;
}

/// Finds what describes the function around pc. The table is sorted pairs of 32-bit distances from its header.
inline bool find_description(std::uintptr_t pc, description& out) noexcept {
    dl_find_object module{};
    if (&::_dl_find_object == nullptr || ::_dl_find_object(reinterpret_cast<void*>(pc), &module) != 0) return false;
    const auto* const header = static_cast<const unsigned char*>(module.dlfo_eh_frame);
    if (header == nullptr || header[0] != 1 || header[3] != 0x3b) return false;
    reader r{header + 4, header + 4 + 32};
    r.pointer(header[1]);
    const std::uintptr_t count = r.pointer(header[2]);
    const unsigned char* const table = r.p;
    const auto distance = [&](std::size_t i, std::size_t which) {
        std::int32_t value = 0;
        std::memcpy(&value, table + i * 8 + which * 4, sizeof value);
        return reinterpret_cast<std::uintptr_t>(header) + static_cast<std::uintptr_t>(std::int64_t{value});
    };
    std::size_t low = 0, high = count;
    while (low < high) {  // the first that begins behind pc
        const std::size_t middle = low + (high - low) / 2;
        if (distance(middle, 0) <= pc) low = middle + 1; else high = middle;
    }
    if (low == 0) return false;
    const auto* const at = reinterpret_cast<const unsigned char*>(distance(low - 1, 1));
    reader own{at, at + 8};
    const auto length = own.take<std::uint32_t>();
    if (length == 0 || length == 0xffffffff) return false;
    const unsigned char* const link = own.p;
    const unsigned char* const common = link - own.take<std::uint32_t>();
    own.end = at + 4 + length;
    unsigned encoding = 0;
    bool has_data = false;
    if (!read_common(common, out, encoding, has_data)) return false;
    out.begin = own.pointer(encoding);
    out.size = own.pointer(encoding & 0x0f);
    if (has_data) {
        const std::uint64_t size = own.uleb();
        own.p += size;
    }
    out.own = own;
    return pc - out.begin < out.size;
}

enum class rule : std::uint8_t { same, undefined, saved, offset_of_frame, other };
struct rules {
    std::uint64_t frame_register;
    std::int64_t frame_offset;
    rule of[machine_state::count];
    std::int64_t offset[machine_state::count];
};

/// Runs the instructions of a description up to pc. @returns false where one is not understood
class interpreter {
public:
    interpreter(const description& d, std::uintptr_t pc) noexcept : about_(d), pc_(pc), place_(d.begin) {}
    bool run(rules& out) noexcept {
        if (!steps(about_.common)) return false;
        initial_ = now_;
        if (!steps(about_.own)) return false;
        out = now_;
        return true;
    }

private:
    bool set(std::uint64_t r, rule how, std::int64_t offset = 0) noexcept {
        if (r >= machine_state::count) return true;  // vector registers
        now_.of[r] = how;
        now_.offset[r] = offset;
        return true;
    }
    bool restore(std::uint64_t r) noexcept {
        return r >= machine_state::count || set(r, initial_.of[r], initial_.offset[r]);
    }
    bool advance(std::uint64_t by) noexcept {
        place_ += by * about_.code_factor;
        return true;
    }
    bool steps(reader r) noexcept {
        while (r.p < r.end && place_ <= pc_) {
            if (!step(r)) return false;
        }
        return true;
    }
    bool step(reader& r) noexcept {
        const auto code = r.take<std::uint8_t>();
        const std::uint64_t low = code & 0x3fu;
        switch (code & 0xc0) {
            case 0x40: return advance(low);
            case 0x80: return set(low, rule::saved, static_cast<std::int64_t>(r.uleb()) * about_.data_factor);
            case 0xc0: return restore(low);
            default: return step_of_operands(code, r);
        }
    }
    bool step_of_operands(unsigned code, reader& r) noexcept {
        std::uint64_t which = 0;
        switch (code) {
            case 0x00: return true;
            case 0x02: return advance(r.take<std::uint8_t>());
            case 0x03: return advance(r.take<std::uint16_t>());
            case 0x04: return advance(r.take<std::uint32_t>());
            case 0x05: which = r.uleb(); return set(which, rule::saved, static_cast<std::int64_t>(r.uleb()) * about_.data_factor);
            case 0x06: return restore(r.uleb());
            case 0x07: return set(r.uleb(), rule::undefined);
            case 0x08: return set(r.uleb(), rule::same);
            case 0x0a: return push();
            case 0x0b: return pop();
            case 0x0c: now_.frame_register = r.uleb(); now_.frame_offset = static_cast<std::int64_t>(r.uleb()); return true;
            case 0x0d: now_.frame_register = r.uleb(); return true;
            case 0x0e: now_.frame_offset = static_cast<std::int64_t>(r.uleb()); return true;
            case 0x10: case 0x16: {  // by expression: known only for registers that the way up does not need
                which = r.uleb();
                const std::uint64_t size = r.uleb();
                r.p += size;
                return set(which, rule::other);
            }
            case 0x11: which = r.uleb(); return set(which, rule::saved, r.sleb() * about_.data_factor);
            case 0x12: now_.frame_register = r.uleb(); now_.frame_offset = r.sleb() * about_.data_factor; return true;
            case 0x13: now_.frame_offset = r.sleb() * about_.data_factor; return true;
            case 0x14: which = r.uleb(); return set(which, rule::offset_of_frame, static_cast<std::int64_t>(r.uleb()) * about_.data_factor);
            case 0x2e: r.uleb(); return true;  // bytes of arguments: for exceptions only
            default: return false;
        }
    }
    bool push() noexcept {
        if (depth_ == most_kept) return false;
        kept_[depth_++] = now_;
        return true;
    }
    bool pop() noexcept {
        if (depth_ == 0) return false;
        now_ = kept_[--depth_];
        return true;
    }

    static constexpr std::size_t most_kept = 2;
    const description& about_;
    std::uintptr_t pc_;
    std::uintptr_t place_;
    rules now_{}, initial_{}, kept_[most_kept]{};
    std::size_t depth_ = 0;
};

}  // namespace ashlar::malloc
