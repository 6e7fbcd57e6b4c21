// src/observe/trace_packing.hpp - the records of one chunk, compressed and back.
//
// Layer:      observe
// Source:     zstd (RFC 8878), over records taken apart into columns (trace_columns.hpp).
// Complexity: O(bytes). A context of zstd (150 KiB to read, 1.3 MiB to write) and the chunk itself.
// Failure:    pack() gives nothing for what is no records; unpack() is false for what pack() did not make.
// Threads:    one at a time.
// Invariants: trace_packing.I1  unpack() never makes more than trace_format::chunk_limit bytes, whatever it is given
// Checked by: tests/observe/trace_pack_test.cpp, tests/fuzz/trace_reader_fuzz.cpp
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "record_decoding.hpp"
#include "trace_columns.hpp"

namespace ashlar {

class trace_packing {
public:
    trace_packing() noexcept;
    trace_packing(const trace_packing&) = delete;
    trace_packing& operator=(const trace_packing&) = delete;
    ~trace_packing();

    /// @returns the chunk's records up to the first zero tag, compressed; empty if they are no whole records. Valid until
    ///          the next call
    std::span<const std::byte> pack(std::span<const std::byte> records, bool with_stacks);

    /// Fills `plain`, in which the columns then lie. @returns whether the bytes held columns; their records are not looked at
    bool unpack(std::span<const std::byte> packed, std::vector<std::byte>& plain, records_in_columns& columns);

private:
    struct contexts;
    std::unique_ptr<contexts> zstd_;
    trace_columns columns_;
    std::vector<std::byte> plain_;   ///< lengths and columns
    std::vector<std::byte> packed_;
};

}  // namespace ashlar
