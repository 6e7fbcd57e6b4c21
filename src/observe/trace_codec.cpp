#include "ashlar/observe/trace_codec.hpp"

#include "record_decoding.hpp"

namespace ashlar {

bool record_decoder::take(const std::byte*& at, const std::byte* end, std::uint64_t& v) noexcept {
    v = 0;
    for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
        const auto b = static_cast<std::uint64_t>(*at++);
        const std::uint64_t part = b & 0x7F;
        if (shift == 63 && part > 1) return false;  // would not fit in 64 bits
        v |= part << shift;
        if (b < 0x80) return true;
    }
    return false;
}

const std::byte* record_decoder::decode(const std::byte* at, const std::byte* end, event& e, record_time& when) noexcept {
    records_in_row row{{at, end}};
    return decode_from(row, e, when) ? row.all.at : nullptr;
}

}  // namespace ashlar
