// tests/fuzz/trace_reader_fuzz.cpp - the reader on any bytes: no crash, no endless reading, time never goes back.
//
// The checksums of an input are mended before it is read, or no change would get past them: half of the inputs (by their
// last byte) are read as they are.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "../../src/observe/checksum.hpp"
#include "ashlar/observe/trace_format.hpp"
#include "ashlar/observe/trace_reader.hpp"

namespace {

namespace f = ashlar::trace_format;

void mend(std::vector<std::byte>& bytes) {
    f::file_header h;
    if (bytes.size() < sizeof h) return;
    std::memcpy(&h, bytes.data(), sizeof h);
    const std::size_t strings = std::size_t{h.command_bytes} + h.executable_bytes;
    if (strings > bytes.size() - sizeof h || f::strings_offset > bytes.size() - strings) return;
    h.checksum = ashlar::crc32c(ashlar::crc32c(0, &h, offsetof(f::file_header, checksum)),
                                bytes.data() + f::strings_offset, strings);
    std::memcpy(bytes.data(), &h, sizeof h);
    for (std::size_t at = h.header_bytes; at < bytes.size() && bytes.size() - at >= sizeof(f::chunk_header);) {
        f::chunk_header c;
        std::memcpy(&c, bytes.data() + at, sizeof c);
        if (c.used != 0 && c.used <= bytes.size() - at - sizeof c) {
            const std::size_t from = at + offsetof(f::chunk_header, thread);
            c.checksum = ashlar::crc32c(0, bytes.data() + from, at + sizeof c + c.used - from);
            std::memcpy(bytes.data() + at, &c, sizeof c);
        }
        at += c.magic == f::chunk_magic && c.capacity >= sizeof c ? c.capacity : f::region_step;
    }
}

bool is_packed(const std::vector<std::byte>& bytes) {
    f::file_header h;
    std::memcpy(&h, bytes.data(), sizeof h);  // it was read, so it is there
    return h.needs & f::needs_packed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> bytes(size);
    if (size != 0) std::memcpy(bytes.data(), data, size);
    if (size != 0 && (data[size - 1] & 1) == 0) mend(bytes);
    ashlar::trace_reader r = ashlar::trace_reader::open(std::span<const std::byte>(bytes));
    if (!r) {
        if (r.error().empty() || r.next() != nullptr) std::abort();
        return 0;
    }
    std::uint64_t last = 0;
    std::size_t count = 0;
    std::vector<std::uint32_t> places;
    while (const ashlar::event* e = r.next()) {
        if (e->time_ns < last || e->thread >= r.info().threads + (e->kind == ashlar::event_kind::exec)) std::abort();
        last = e->time_ns;
        if (e->stack >= r.stacks().frames().size()) std::abort();
        r.stacks().unfold(e->stack, places);
        for (std::uint32_t p : places) {
            if (p >= r.stacks().places().size()) std::abort();
        }
        // An event takes a byte at least, unless chunks are packed; then what reading costs is bounded here.
        if (++count > size && !is_packed(bytes)) std::abort();
        if (count == 1U << 18) break;
    }
    (void)describe(r.info());
    (void)describe(r.health());
    for (std::uint32_t t = 0; t < r.info().threads; ++t) (void)r.thread_name(t);
    return 0;
}
