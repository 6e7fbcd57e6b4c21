#include "trace_columns.hpp"

#include <cstring>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/trace_format.hpp"

namespace ashlar {

namespace f = trace_format;

namespace {

using columns = trace_columns;

/// The structure of a record: which byte goes to which column.
template <class Mover>
class record_mover {
public:
    explicit record_mover(Mover& m, bool with_stacks) noexcept : m_(m), with_stacks_(with_stacks) {}

    /// @returns false if there is no whole record
    bool record() noexcept {
        unsigned tag, low;
        if (!m_.byte(columns::tags, tag)) return false;
        const bool refused = tag == f::prefix_refused;
        if (refused && !m_.byte(columns::tags, tag)) return false;
        if (tag == f::prefix_odd && (!m_.byte(columns::tags, low) || !m_.byte(columns::tags, tag))) return false;
        if (tag == f::tell_memory) return numbers(3);
        if (tag == f::tell_text) return text();
        if (with_stacks_ && tag >= f::define_place && tag <= f::define_counts) return definition(tag);
        const auto kind = static_cast<event_kind>(tag & f::tag_kind);
        if (!is_known(kind) || !m_.number(columns::times)) return false;
        if (with_stacks_ && requests(kind) && !m_.number(columns::stacks)) return false;
        if ((requests(kind) && !refused) || releases(kind)) {
            const bool near = tag & f::tag_near;
            if (near ? !m_.byte(columns::slots, low) : !m_.number(columns::distances)) return false;
        }
        if (states_size(kind) && !(tag & f::tag_same_size) && !m_.number(columns::sizes)) return false;
        if (states_alignment(kind) && !m_.number(columns::rest)) return false;
        if (maps(kind) && !m_.number(columns::rest)) return false;
        if (!moves(kind)) return true;
        if (!m_.number(columns::rest) || !m_.byte(columns::rest, low)) return false;
        return low != f::no_slot || m_.number(columns::rest);
    }

private:
    bool numbers(unsigned n) noexcept {
        while (n != 0 && m_.number(columns::rest)) --n;
        return n == 0;
    }
    bool definition(unsigned tag) noexcept {
        unsigned part;
        if (!numbers(1)) return false;
        if (tag == f::define_place || tag == f::define_counts) return numbers(1);
        if (!m_.byte(columns::rest, part)) return false;
        if (tag == f::define_stacks) return numbers(part);
        return part == f::module_range ? numbers(3) : text();
    }
    /// Bytes, and before them how many.
    bool text() noexcept {
        unsigned length, ignored;
        if (!m_.byte(columns::rest, length)) return false;
        for (; length != 0; --length) {
            if (!m_.byte(columns::rest, ignored)) return false;
        }
        return true;
    }

    Mover& m_;
    bool with_stacks_;
};

/// From [at, end) to the columns' places.
struct apart {
    const std::byte* at;
    const std::byte* end;
    std::byte* to[columns::count];

    [[gnu::always_inline]] bool byte(unsigned column, unsigned& value) noexcept {
        if (at == end) return false;
        value = static_cast<unsigned>(*at);
        *to[column]++ = *at++;  // trace_columns.I1
        return true;
    }
    [[gnu::always_inline]] bool number(unsigned column) noexcept {
        unsigned value;
        do {
            if (!byte(column, value)) return false;
        } while (value & 0x80);
        return true;
    }
};

}  // namespace

std::size_t split(std::span<const std::byte> records, bool with_stacks, trace_columns& out) {
    static_assert(columns::count == 7);
    std::vector<std::byte> apart_bytes(records.size() * columns::count);
    apart m{records.data(), records.data() + records.size(), {}};
    for (unsigned c = 0; c < columns::count; ++c) m.to[c] = apart_bytes.data() + c * records.size();
    record_mover<apart> mover(m, with_stacks);
    while (m.at != m.end && *m.at != std::byte{0}) {
        if (!mover.record()) return 0;
    }
    const auto taken = static_cast<std::size_t>(m.at - records.data());
    out.bytes.resize(taken);
    std::byte* to = out.bytes.data();
    for (unsigned c = 0; c < columns::count; ++c) {
        const std::byte* first = apart_bytes.data() + c * records.size();
        out.lengths[c] = static_cast<std::uint32_t>(m.to[c] - first);
        if (out.lengths[c] != 0) std::memcpy(to, first, out.lengths[c]);
        to += out.lengths[c];
    }
    return taken;
}

}  // namespace ashlar
