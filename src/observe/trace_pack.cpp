#include "ashlar/observe/trace_pack.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "ashlar/foundation/alignment.hpp"
#include "checksum.hpp"
#include "trace_index.hpp"
#include "trace_packing.hpp"
#include "trace_system.hpp"

namespace ashlar {

namespace f = trace_format;
namespace sys = trace_system;

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

/// The new file, which becomes the trace or goes.
class new_file {
public:
    explicit new_file(const std::string& path) : path_(path) {
        sys::remove(path_.c_str());  // left by one that was killed: the trace is ours alone now
        file_ = sys::create(path_.c_str());
        error_ = file_ < 0 ? -file_ : 0;
    }
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;
    ~new_file() {
        if (file_ < 0) return;
        sys::close(file_);
        if (!path_.empty()) sys::remove(path_.c_str());
    }

    void write(std::uint64_t offset, const void* bytes, std::size_t size) {
        if (error_ != 0 || size == 0) return;
        error_ = sys::reserve_space(file_, offset, size);  // asks for the limit on file size, whose signal would end us
        if (error_ == 0 && !sys::write_at(file_, bytes, size, offset)) error_ = EIO;
    }
    int error() const noexcept { return error_; }
    /// @returns an errno number; 0: it is in the other's place
    int replace(const std::string& trace) {
        if (error_ == 0 && std::rename(path_.c_str(), trace.c_str()) != 0) error_ = errno;
        if (error_ == 0) path_.clear();
        return error_;
    }

private:
    std::string path_;
    int file_ = -1;
    int error_ = 0;
};

class packer {
public:
    packer(const trace_source& from, const trace_index& index, const f::file_header& header, new_file& to)
        : from_(from), index_(index), header_(header), to_(to), end_(header.header_bytes) {}

    /// @returns "" or why not
    std::string run() {
        auto chunks = index_.chunks;
        std::sort(chunks.begin(), chunks.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
        for (const trace_chunk_place& place : chunks) {
            if (!move_chunk(place)) return "is damaged; it is left as it is";
            if (to_.error() != 0) break;
        }
        write_index();
        write_header();
        return to_.error() != 0 ? "cannot be packed: " + reason(to_.error()) : "";
    }
    std::uint64_t size() const noexcept { return end_; }

private:
    bool move_chunk(const trace_chunk_place& place) {
        f::chunk_header c;
        records_.resize(place.bytes);
        if (from_.read(place.offset, &c, sizeof c) != sizeof c ||
            from_.read(place.offset + sizeof c, records_.data(), records_.size()) != records_.size()) {
            return false;
        }
        if (place.closed && sum_of(c, records_) != c.checksum) return false;
        const auto packed = packing_.pack(records_, header_.needs & f::needs_stacks);
        const bool empty = records_.empty() || records_.front() == std::byte{0};  // opened, and nothing written yet
        if (packed.empty() && !empty) return false;
        const std::size_t space = align_up(sizeof c + packed.size(), std::size_t{f::chunk_step});
        c.capacity = static_cast<std::uint32_t>(space);
        c.used = static_cast<std::uint32_t>(packed.size());
        c.coding = packed.empty() ? f::coding_plain : f::coding_packed;
        c.checksum = packed.empty() ? 0 : sum_of(c, packed);
        chunk_.assign(space, std::byte{0});
        std::memcpy(chunk_.data(), &c, sizeof c);
        if (!packed.empty()) std::memcpy(chunk_.data() + sizeof c, packed.data(), packed.size());
        to_.write(end_, chunk_.data(), space);
        entries_.push_back({end_, c.used, c.thread, c.sequence, 0});
        if (c.start_monotonic_ns > latest_.latest_monotonic_ns) {
            latest_.latest_monotonic_ns = c.start_monotonic_ns;
            latest_.latest_ticks = c.start_ticks;
        }
        end_ += space;
        return true;
    }

    static std::uint32_t sum_of(const f::chunk_header& c, std::span<const std::byte> stored) {
        constexpr std::size_t summed = offsetof(f::chunk_header, thread);
        const std::uint32_t sum = crc32c(0, reinterpret_cast<const std::byte*>(&c) + summed, sizeof c - summed);
        return crc32c(sum, stored.data(), stored.size());
    }

    void write_index() {
        f::index_header x = latest_;
        x.magic = f::index_magic;
        x.entries = entries_.size();
        constexpr std::size_t summed = offsetof(f::index_header, entries);
        const std::size_t bytes = entries_.size() * sizeof(f::index_entry);
        x.checksum = crc32c(crc32c(0, reinterpret_cast<const std::byte*>(&x) + summed, sizeof x - summed), entries_.data(), bytes);
        header_.index_at = end_;
        to_.write(end_, &x, sizeof x);
        to_.write(end_ + sizeof x, entries_.data(), bytes);
        end_ += sizeof x + bytes;
    }

    void write_header() {
        std::vector<std::byte> page(header_.header_bytes);
        from_.read(0, page.data(), page.size());
        header_.needs |= f::needs_packed;
        header_.given_bytes = end_;
        header_.checksum = crc32c(crc32c(0, &header_, offsetof(f::file_header, checksum)), page.data() + f::strings_offset,
                                  std::size_t{header_.command_bytes} + header_.executable_bytes);
        std::memcpy(page.data(), &header_, sizeof header_);
        to_.write(0, page.data(), page.size());
    }

    const trace_source& from_;
    const trace_index& index_;
    f::file_header header_;
    new_file& to_;
    std::uint64_t end_;
    f::index_header latest_{};
    std::vector<f::index_entry> entries_;
    std::vector<std::byte> records_, chunk_;
    trace_packing packing_;
};

/// @returns "" or why the trace cannot be packed, without its name
std::string pack(const std::string& path, const trace_source& from, packed_size& size) {
    if (const int busy = from.hold_alone(); busy != 0) {  // trace_pack.I2
        if (busy == EWOULDBLOCK) return "is still being written; it is left as it is";
        return "cannot be packed: " + reason(busy);
    }
    trace_index index;
    if (std::string why = read_index(from, index); !why.empty()) return why;
    size = {from.size(), from.size()};
    if (index.is_packed) return "";
    if (index.health != trace_health{}) return "is damaged; it is left as it is: " + describe(index.health);
    f::file_header header;
    if (from.read(0, &header, sizeof header) != sizeof header) return "cannot be read";
    new_file to(path + ".packing");
    if (to.error() != 0) return "cannot be packed: " + reason(to.error());
    packer work(from, index, header, to);
    if (std::string why = work.run(); !why.empty()) return why;
    if (const int error = to.replace(path); error != 0) return "cannot be packed: " + reason(error);  // trace_pack.I1
    size.after = work.size();
    return "";
}

}  // namespace

std::string pack_trace(const std::string& path, packed_size& size) {
    int error = 0;
    const trace_source from(path.c_str(), error);
    if (error == EINVAL) return path + " is not a trace of Ashlar: it is no regular file";
    if (error != 0) return "cannot read the trace " + path + ": " + reason(error);
    std::error_code unresolved;  // a link keeps linking
    const auto file = std::filesystem::canonical(path, unresolved);
    const std::string why = pack(unresolved ? path : file.string(), from, size);
    return why.empty() ? "" : path + " " + why;
}

}  // namespace ashlar
