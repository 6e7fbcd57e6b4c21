// src/observe/checksum.hpp - CRC-32C, the checksum of headers and chunks.
//
// Layer:      observe
// Source:     Castagnoli polynomial, RFC 3720 appendix B.4; the CPU's own instruction where there is one.
// Complexity: O(size); about 6 bytes a nanosecond with the instruction, one in three without.
// Failure:    none.
// Threads:    any.
// Checked by: tests/observe/checksum_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar {

/// @returns the checksum of what `so_far` is the checksum of, followed by these bytes. Begin with 0.
std::uint32_t crc32c(std::uint32_t so_far, const void* bytes, std::size_t size) noexcept;

/// The same without the CPU's instruction: what other machines run, and the measure of the one above.
std::uint32_t crc32c_portable(std::uint32_t so_far, const void* bytes, std::size_t size) noexcept;

}  // namespace ashlar
