// ashlar/src/malloc/pprof.cpp - profile.proto, written field by field.
//
// Layer:      malloc
// Source:     as pprof.hpp.
// Complexity: as pprof.hpp.
// Failure:    as pprof.hpp.
// Threads:    as pprof.hpp.
// Checked by: tests/malloc/program/profile.py
#include "pprof.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ashlar/malloc/sampling.hpp"

namespace ashlar::malloc {
namespace {

// Field numbers of profile.proto.
namespace field {
enum profile { sample_type = 1, sample, mapping, location, string_table = 6, drop_frames = 7, time_nanos = 9,
               duration_nanos, period_type, period, default_sample_type = 14 };
}

/// The bytes of one message; those of profile.proto that are written here are short.
class message {
public:
    void varint(std::uint64_t n) noexcept {
        for (; n >= 0x80; n >>= 7) put(static_cast<char>(n | 0x80));
        put(static_cast<char>(n));
    }
    void number(unsigned field, std::uint64_t n) noexcept {
        if (n == 0) return;  // the default
        varint(field << 3);
        varint(n);
    }
    void bytes(unsigned field, std::string_view text) noexcept {
        varint(field << 3 | 2);
        varint(text.size());
        for (const char c : text) put(c);
    }
    void nested(unsigned field, const message& m) noexcept { bytes(field, m.view()); }
    std::string_view view() const noexcept { return {text_, length_}; }

private:
    void put(char c) noexcept {
        if (length_ < sizeof text_) text_[length_++] = c;
    }
    char text_[1024];
    std::size_t length_ = 0;
};

/// Collects what is written into larger pieces.
class stream {
public:
    explicit stream(const sink& out) noexcept : out_(out) {}
    ~stream() { flush(); }
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;
    void add(unsigned field, const message& m) noexcept { add(field, m.view()); }
    void add(unsigned field, std::string_view text) noexcept {
        message head;
        head.varint(field << 3 | 2);
        head.varint(text.size());
        raw(head.view());
        raw(text);
    }
    void number(unsigned field, std::uint64_t n) noexcept {
        message m;
        m.number(field, n);
        raw(m.view());
    }

private:
    void raw(std::string_view text) noexcept {
        for (const char c : text) {
            if (length_ == sizeof text_) flush();
            text_[length_++] = c;
        }
    }
    void flush() noexcept {
        if (length_ != 0) out_.write(out_.to, text_, length_);
        length_ = 0;
    }
    sink out_;
    char text_[4096];
    std::size_t length_ = 0;
};

/// Memory for the time of one writing.
template <class T>
struct scratch {
    explicit scratch(std::size_t n) noexcept : data(static_cast<T*>(profile_table::map(n * sizeof(T)))), count(n) {}
    ~scratch() {
        if (data != nullptr) os::release(reinterpret_cast<std::byte*>(data), (count * sizeof(T) + os::page_size() - 1) & ~(os::page_size() - 1));
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    T* data;
    std::size_t count;
};

/// The table of strings: each has the number of its place.
namespace text {
enum number : std::uint64_t { empty, alloc_objects, count, alloc_space, bytes, inuse_objects, inuse_space, space, drop,
                              first_file };
}
constexpr std::string_view fixed_texts[] = {"", "alloc_objects", "count", "alloc_space", "bytes", "inuse_objects",
    "inuse_space", "space", "(malloc|free|calloc|realloc|posix_memalign|aligned_alloc|memalign|operator new.*|ashlar::malloc::.*)"};

std::uint64_t hexadecimal(std::string_view& rest) noexcept {
    std::uint64_t n = 0;
    for (; !rest.empty(); rest.remove_prefix(1)) {
        const char c = rest.front();
        if (c >= '0' && c <= '9') n = n * 16 + static_cast<std::uint64_t>(c - '0');
        else if (c >= 'a' && c <= 'f') n = n * 16 + static_cast<std::uint64_t>(c - 'a' + 10);
        else break;
    }
    return n;
}
void skip(std::string_view& rest, std::size_t n) noexcept { rest.remove_prefix(n < rest.size() ? n : rest.size()); }
void skip_word(std::string_view& rest) noexcept {
    while (!rest.empty() && rest.front() != ' ') rest.remove_prefix(1);
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
}

struct mapped_file {
    std::uint64_t start, end, offset;
    std::string_view name;
};

/// The executable mappings of the process, from /proc/self/maps.
struct mapped_files {
    static constexpr std::size_t most = 1024, longest = 1 << 20;
    scratch<char> text{longest};
    scratch<mapped_file> files{most};
    std::size_t n = 0;

    bool read() noexcept {
        if (text.data == nullptr || files.data == nullptr) return false;
        const long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
        std::size_t length = 0;
        for (long got = 1; file >= 0 && got > 0 && length < longest; length += static_cast<std::size_t>(got > 0 ? got : 0)) {
            got = syscall(SYS_read, file, text.data + length, longest - length);
        }
        if (file >= 0) syscall(SYS_close, file);
        for (std::string_view rest(text.data, length); !rest.empty() && n < most;) {
            std::size_t end = rest.find('\n');
            if (end == rest.npos) end = rest.size();
            std::string_view line(rest.data(), end);
            skip(rest, end + 1);
            mapped_file f{};
            f.start = hexadecimal(line);
            skip(line, 1);
            f.end = hexadecimal(line);
            skip(line, 1);
            const bool executable = line.size() > 2 && line[2] == 'x';
            skip_word(line);
            f.offset = hexadecimal(line);
            for (int word = 0; word < 3; ++word) skip_word(line);  // the rest of the offset's, device, inode
            if (word_is_left(line)) f.name = line;
            if (executable && !f.name.empty()) files.data[n++] = f;
        }
        return true;
    }
    static bool word_is_left(std::string_view line) noexcept { return !line.empty(); }
    /// @returns the number of the mapping around an address, from 1; 0 for none
    std::uint64_t of(std::uintptr_t address) const noexcept {
        for (std::size_t i = 0; i < n; ++i) {
            if (address >= files.data[i].start && address < files.data[i].end) return i + 1;
        }
        return 0;
    }
};

message value_type(std::uint64_t type, std::uint64_t unit) noexcept {
    message m;
    m.number(1, type);
    m.number(2, unit);
    return m;
}

/// One row: what was sampled, scaled to what it stands for.
message sample_of(const profile_table::row& r, const std::uintptr_t* frames, double mean) noexcept {
    message places, values, label, m;
    for (std::uint32_t i = 0; i < r.depth; ++i) places.varint(frames[i] - 1);  // the call, not where it returns to
    const double weight = 1 / chance_of(r.size, mean);
    const auto scaled = [weight](std::uint64_t n) { return static_cast<std::uint64_t>(static_cast<double>(n) * weight + 0.5); };
    for (const std::uint64_t n : {r.granted, r.granted - r.freed}) {
        values.varint(scaled(n));
        values.varint(scaled(n * r.size));
    }
    label.number(1, text::bytes);
    label.number(3, r.size);
    label.number(4, text::bytes);
    m.nested(1, places);
    m.nested(2, values);
    m.nested(3, label);
    return m;
}

/// Writes each address of the frames once. Its number is the address itself.
bool write_locations(const profile_view& profile, const mapped_files& files, stream& to) noexcept {
    std::size_t capacity = 1024;
    while (capacity < profile.frame_count * 2) capacity *= 2;
    const scratch<std::uintptr_t> seen(capacity);
    if (seen.data == nullptr) return false;
    for (std::size_t i = 0; i < profile.frame_count; ++i) {
        const std::uintptr_t address = profile.frames[i] - 1;
        std::size_t at = (address * 0x9e3779b97f4a7c15u >> 20) & (capacity - 1);
        while (seen.data[at] != 0 && seen.data[at] != address) at = (at + 1) & (capacity - 1);
        if (seen.data[at] == address) continue;
        seen.data[at] = address;
        message m;
        m.number(1, address);
        m.number(2, files.of(address));
        m.number(3, address);
        to.add(field::location, m);
    }
    return true;
}

}  // namespace

bool write_pprof(const profile_view& profile, const sink& out) noexcept {
    mapped_files files;
    if (!files.read()) return false;
    stream to(out);
    to.add(field::sample_type, value_type(text::alloc_objects, text::count));
    to.add(field::sample_type, value_type(text::alloc_space, text::bytes));
    to.add(field::sample_type, value_type(text::inuse_objects, text::count));
    to.add(field::sample_type, value_type(text::inuse_space, text::bytes));
    for (std::size_t i = 0; i < profile.row_count; ++i) {
        const profile_table::row& r = profile.rows[i];
        if (r.granted == 0) continue;
        to.add(field::sample, sample_of(r, profile.frames + r.first_frame, static_cast<double>(profile.mean)));
    }
    for (std::size_t i = 0; i < files.n; ++i) {
        message m;
        m.number(1, i + 1);
        m.number(2, files.files.data[i].start);
        m.number(3, files.files.data[i].end);
        m.number(4, files.files.data[i].offset);
        m.number(5, text::first_file + i);
        to.add(field::mapping, m);
    }
    if (!write_locations(profile, files, to)) return false;
    for (const std::string_view s : fixed_texts) to.add(field::string_table, s);
    for (std::size_t i = 0; i < files.n; ++i) to.add(field::string_table, files.files.data[i].name);
    to.number(field::drop_frames, text::drop);
    to.number(field::time_nanos, profile.started_unix_ns);
    to.number(field::duration_nanos, profile.duration_ns);
    to.add(field::period_type, value_type(text::space, text::bytes));
    to.number(field::period, profile.mean);
    to.number(field::default_sample_type, text::inuse_space);
    return true;
}

}  // namespace ashlar::malloc
