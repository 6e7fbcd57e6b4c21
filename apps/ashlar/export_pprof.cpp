// See export_formats.hpp.
#include <fmt/core.h>

#include <map>

#include "export_formats.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

// Field numbers of profile.proto.
enum profile_field : unsigned { sample_type = 1, sample = 2, location = 4, function = 5, string_table = 6, time_nanos = 9, duration_nanos = 10, period_type = 11, period = 12, comment = 13, default_sample_type = 14 };

/// The bytes of one message.
class message {
public:
    message& number(unsigned field, std::uint64_t n) {
        if (n != 0) varint(field << 3), varint(n);  // 0 is the default
        return *this;
    }
    message& bytes(unsigned field, const std::string& text) {
        varint(field << 3 | 2), varint(text.size());
        text_ += text;
        return *this;
    }
    message& nested(unsigned field, const message& m) { return bytes(field, m.text_); }
    /// Always written: the values of a sample stand by their places.
    message& packed(std::uint64_t n) {
        varint(n);
        return *this;
    }
    const std::string& text() const { return text_; }

private:
    void varint(std::uint64_t n) {
        for (; n >= 0x80; n >>= 7) text_ += static_cast<char>(n | 0x80);
        text_ += static_cast<char>(n);
    }
    std::string text_;
};

class strings {
public:
    std::uint64_t operator()(const std::string& text) {
        const auto [found, is_new] = numbers_.try_emplace(text, numbers_.size());
        if (is_new) all_.push_back(text);
        return found->second;
    }
    const std::vector<std::string>& all() const { return all_; }

private:
    std::map<std::string, std::uint64_t> numbers_;
    std::vector<std::string> all_;
};

struct value {
    const char* name;
    const char* unit;
    std::uint64_t (*of)(const cost&);
};
constexpr value values[] = {
    {"alloc_objects", "count", [](const cost& c) { return c.allocated.blocks; }},
    {"alloc_space", "bytes", [](const cost& c) { return c.allocated.bytes; }},
    {"inuse_objects", "count", [](const cost& c) { return c.live.blocks; }},  // at the end, as others mean it
    {"inuse_space", "bytes", [](const cost& c) { return c.live.bytes; }},
    {"peak_objects", "count", [](const cost& c) { return c.at_peak.blocks; }},
    {"peak_space", "bytes", [](const cost& c) { return c.at_peak.bytes; }},
    {"temporary_objects", "count", [](const cost& c) { return c.temporary.blocks; }},
};

}  // namespace

std::string pprof_bytes(const stack_view& view, const trace_info& info) {
    strings text;
    text("");
    message out;
    for (const value& v : values) out.nested(sample_type, message().number(1, text(v.name)).number(2, text(v.unit)));
    for (std::uint32_t n = 1; n < view.nodes().size(); ++n) {
        const cost& c = view.nodes()[n].self;
        if (c.allocated.blocks == 0) continue;
        message places, numbers;
        for (const std::uint32_t f : view.path(n)) places.packed(std::uint64_t{f} + 1);
        for (const value& v : values) numbers.packed(v.of(c));
        out.nested(sample, message().bytes(1, places.text()).bytes(2, numbers.text()));
    }
    for (std::size_t i = 0; i < view.frames().size(); ++i) {
        const auto& f = view.frames()[i];
        const std::uint64_t id = i + 1, name = text(valid_utf8(f.function));
        out.nested(location, message().number(1, id).nested(4, message().number(1, id).number(2, f.line)));
        out.nested(function, message().number(1, id).number(2, name).number(3, name).number(4, text(valid_utf8(f.file))));
    }
    out.number(time_nanos, info.start_unix_ns).number(duration_nanos, info.duration_ns);
    if (info.sample_mean != 0) {  // the values are scaled already, as pprof means them to be
        out.nested(period_type, message().number(1, text("space")).number(2, text("bytes"))).number(period, info.sample_mean);
        out.number(comment, text(fmt::format("estimates: a sample, one byte in {}", info.sample_mean)));
    }
    out.number(default_sample_type, text("peak_space"));
    for (const std::string& s : text.all()) out.bytes(string_table, s);
    return out.text();
}

}  // namespace ashlar::app
