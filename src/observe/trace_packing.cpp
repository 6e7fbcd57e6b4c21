#include "trace_packing.hpp"

#include <zstd.h>

#include <cstring>
#include <new>

#include "ashlar/observe/trace_format.hpp"

namespace ashlar {

struct trace_packing::contexts {
    ZSTD_CCtx* to_pack = nullptr;
    ZSTD_DCtx* to_unpack = nullptr;
};

trace_packing::trace_packing() noexcept : zstd_(new (std::nothrow) contexts) {}
trace_packing::~trace_packing() {
    if (zstd_ == nullptr) return;
    ZSTD_freeCCtx(zstd_->to_pack);  // both take null
    ZSTD_freeDCtx(zstd_->to_unpack);
}

namespace {

constexpr int level = 3;  // more gains 5 % of size for three times the time: docs/benchmarks/recorder.md
constexpr std::size_t lengths_size = sizeof(trace_columns::lengths);

}  // namespace

std::span<const std::byte> trace_packing::pack(std::span<const std::byte> records, bool with_stacks) {
    if (zstd_ == nullptr || split(records, with_stacks, columns_) == 0) return {};
    if (zstd_->to_pack == nullptr) zstd_->to_pack = ZSTD_createCCtx();
    plain_.resize(lengths_size + columns_.bytes.size());
    std::memcpy(plain_.data(), columns_.lengths, lengths_size);
    std::memcpy(plain_.data() + lengths_size, columns_.bytes.data(), columns_.bytes.size());
    packed_.resize(ZSTD_compressBound(plain_.size()));
    const std::size_t n =
        ZSTD_compressCCtx(zstd_->to_pack, packed_.data(), packed_.size(), plain_.data(), plain_.size(), level);
    if (ZSTD_isError(n)) return {};
    return {packed_.data(), n};
}

bool trace_packing::unpack(std::span<const std::byte> packed, std::vector<std::byte>& plain, records_in_columns& columns) {
    const unsigned long long told = ZSTD_getFrameContentSize(packed.data(), packed.size());
    // trace_packing.I1; the two words for "unknown" and "wrong" are greater than any limit.
    if (told < lengths_size || told > lengths_size + trace_format::chunk_limit || zstd_ == nullptr) return false;
    if (zstd_->to_unpack == nullptr) zstd_->to_unpack = ZSTD_createDCtx();
    plain.resize(static_cast<std::size_t>(told));
    const std::size_t n = ZSTD_decompressDCtx(zstd_->to_unpack, plain.data(), plain.size(), packed.data(), packed.size());
    if (ZSTD_isError(n) || n != plain.size()) return false;
    std::uint32_t lengths[trace_columns::count];
    std::memcpy(lengths, plain.data(), lengths_size);
    std::size_t at = lengths_size;
    for (unsigned c = 0; c < trace_columns::count; ++c) {
        if (lengths[c] > plain.size() - at) return false;
        columns.column[c] = {plain.data() + at, plain.data() + at + lengths[c]};
        at += lengths[c];
    }
    return at == plain.size();
}

}  // namespace ashlar
